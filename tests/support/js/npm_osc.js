// SPDX-License-Identifier: GPL-3.0-or-later
// npm's osc as a client. usage: npm_osc.js udp|tcp PORT MESSAGES; MESSAGES: [{"address", "args": [{"type", "value"}]}]
// Sends them one by one, then /sync 77, and prints all that came until /synced 77.
const osc = require("osc");

const [transport, port, text] = process.argv.slice(2);
const client = transport === "tcp"
  ? new osc.TCPSocketPort({ address: "127.0.0.1", port: +port, useSLIP: true, metadata: true })
  : new osc.UDPPort({ localAddress: "127.0.0.1", localPort: 0, remoteAddress: "127.0.0.1", remotePort: +port, metadata: true });
const heard = [];
client.on("message", (message) => {
  heard.push(message);
  if (message.address === "/synced") {
    process.stdout.write(JSON.stringify(heard), () => process.exit(0));
  }
});
client.on("error", (error) => { throw error; });
client.on("ready", () => {
  for (const message of JSON.parse(text)) {
    client.send(message);
  }
  client.send({ address: "/sync", args: [{ type: "i", value: 77 }] });
});
client.open();
