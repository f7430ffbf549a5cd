// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a custom module as Open Stage Control would, over npm's osc. usage: stage_module.js MODULE SECONDS TARGET|-
// Prints {"heard": {address: last value}, "renewals": n} of what came through its filter.
const fs = require("fs");
const vm = require("vm");
const osc = require("osc");

const [file, seconds, target] = process.argv.slice(2);
const port = new osc.UDPPort({ localAddress: "127.0.0.1", localPort: 0, metadata: true });
const heard = {};
let renewals = 0;
const sandbox = {
  module: { exports: {} },
  settings: { read: (name) => (name === "send" && target !== "-" ? [target] : undefined) },
  app: { on: (event, then) => event === "sessionOpened" && setTimeout(then, 100) },
  send: (host, to, address, ...args) => {
    renewals += address === "/subscribe";
    port.send({ address, args }, host, to);
  },
  setInterval,
  console,
};
vm.runInContext(fs.readFileSync(file, "utf8"), vm.createContext(sandbox));
const custom = sandbox.module.exports;
port.on("message", ({ address, args }) => {
  const passed = custom.oscInFilter({ address, args, host: "", port: 0 });
  if (address === "/error") {
    throw new Error(JSON.stringify(passed.args));
  }
  heard[passed.address] = passed.args.length ? passed.args[0].value : null;
});
port.on("error", (error) => { throw error; });
port.on("ready", () => {
  custom.init();
  setTimeout(() => { custom.unload(); custom.reload(); }, 500); // the file was written anew
  setTimeout(() => {
    process.stdout.write(JSON.stringify({ heard, renewals }), () => process.exit(0));
  }, seconds * 1000);
});
port.open();
