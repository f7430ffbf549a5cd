// SPDX-License-Identifier: GPL-3.0-or-later
// node-osc: it sends from one port and listens at another, which it names when it subscribes.
// usage: npm_node_osc.js PORT PATTERN COUNT; prints the first COUNT messages
const { Client, Server } = require("node-osc");

const [port, pattern, count] = process.argv.slice(2);
const client = new Client("127.0.0.1", +port);
const heard = [];
function take(message) {
  heard.push(message);
  if (heard.length === +count) {
    process.stdout.write(JSON.stringify(heard), () => process.exit(0));
  }
}
const server = new Server(0, "127.0.0.1", () => {
  client.send("/subscribe", pattern, 50, server._sock.address().port);
});
server.on("message", take);
server.on("bundle", (bundle) => bundle.elements.forEach(take));
