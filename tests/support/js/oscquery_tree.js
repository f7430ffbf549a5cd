// SPDX-License-Identifier: GPL-3.0-or-later
// Read a server by npm's oscquery. usage: oscquery_tree.js PORT
// Prints {"host": HOST_INFO as it read it, "methods": {address: {access, type, value, range}}}
const { OSCQueryDiscovery } = require("oscquery");

const discovery = new OSCQueryDiscovery();
discovery.queryNewService("127.0.0.1", +process.argv[2]).then((service) => {
  const methods = {};
  for (const method of service.flat()) {
    methods[method.full_path] = {
      access: method.access,
      type: (method.arguments || []).map((argument) => argument.type),
      value: (method.arguments || []).map((argument) => argument.value),
      range: (method.arguments || []).map((argument) => argument.range || null),
      clip: (method.arguments || []).map((argument) => argument.clipmode || null),
      tags: method.tags || null,
      critical: method.critical || false,
    };
  }
  console.log(JSON.stringify({ host: service.hostInfo, methods }));
  process.exit(0);
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
