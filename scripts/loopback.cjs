// Servers of this Node process listen on the loopback address only, whatever they ask for.
// Preloaded with `node --require`: the Slack emulator has no option for its host.
"use strict";

const net = require("node:net");

const HOST = "127.0.0.1";
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function onLoopback(...given) {
  const [first] = given;
  const rest = given.filter((argument) => typeof argument === "function");
  const asked = typeof first === "object" && first !== null ? first : { port: Number(first) || 0 };
  return listen.call(this, { ...asked, host: HOST }, ...rest);
};
