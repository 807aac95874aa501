// One guest in Node. Its settings are the JSON of the first argument; commands come as JSON lines on
// standard input ({id, command}), events leave as JSON lines on standard output: ready, saved, result.
// Ends with its standard input.
//
// settings: modules, kernel, initrd, bios, vga_bios, state (a file or null), save (a file or null), and
// the options of Guest.

import { webcrypto } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

import { Guest } from "./guest.mjs";

const settings = JSON.parse(process.argv[2]);
const require = createRequire(path.join(settings.modules, "here.js"));
globalThis.WebSocket = require("ws").WebSocket;  // Node has one of its own only from 22 on,
globalThis.crypto ??= webcrypto;                 // and this from 20 on
const build = path.join(settings.modules, "v86", "build");
const { V86 } = await import(pathToFileURL(path.join(build, "libv86.mjs")).href);

const file = (name) => {
  const data = fs.readFileSync(name);
  return { buffer: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) };
};
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const guest = new Guest(V86, {
  wasm_path: path.join(build, "v86.wasm"),
  kernel: file(settings.kernel), initrd: file(settings.initrd), bios: file(settings.bios),
  vga_bios: file(settings.vga_bios), state: settings.state ? file(settings.state) : null,
}, settings);
await guest.ready;
if (settings.save) {
  fs.writeFileSync(settings.save, new Uint8Array(await guest.emulator.save_state()));
  say({ event: "saved" });
  process.exit(0);
}
say({ event: "ready" });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line);
  say({ event: "result", id, ...(await guest.run(id, command)) });
}
process.exit(0);
