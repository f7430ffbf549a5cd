// SPDX-License-Identifier: GPL-3.0-or-later
// Ask an OSC address by npm's osc over UDP. usage: osc_ask.js PORT ADDRESS; prints [{"address", "args"}]
const osc = require("osc");

const [port, address] = process.argv.slice(2);
const client = new osc.UDPPort({ localAddress: "127.0.0.1", localPort: 0, remoteAddress: "127.0.0.1", remotePort: +port });
client.on("message", (message) => {
  console.log(JSON.stringify([message]));
  client.close();
});
client.on("ready", () => client.send({ address, args: [] }));
client.open();
