// SPDX-License-Identifier: GPL-3.0-or-later
// Listen to an address by npm's ws, set another value by npm's osc, and hear what was applied.
// usage: ws_listen.js PORT ADDRESS OUT-OF-RANGE-VALUE; prints the values heard: [first, applied]
const osc = require("osc");
const WebSocket = require("ws");

const [port, address, value] = process.argv.slice(2);
const heard = [];
const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
socket.on("open", () => socket.send(JSON.stringify({ COMMAND: "LISTEN", DATA: address })));
socket.on("message", (data, isBinary) => {
  if (!isBinary) {
    throw new Error(`text came: ${data}`);
  }
  const message = osc.readMessage(new Uint8Array(data));
  if (message.address !== address) {
    throw new Error(JSON.stringify(message));
  }
  heard.push([].concat(message.args)[0]); // of one argument it makes no list
  if (heard.length === 1) {
    socket.send(osc.writeMessage({ address, args: [{ type: "f", value: +value }] }));
  } else {
    console.log(JSON.stringify(heard));
    socket.close();
  }
});
