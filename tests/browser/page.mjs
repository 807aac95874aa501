// One guest in a page: like node_vm.mjs, with the server of the page (page_server.py) in place of standard
// input and output. Settings come from /settings, commands from /command, which answers when there is one.

import { V86 } from "/v86/libv86.mjs";
import { Guest } from "/guest.mjs";

const say = (event) => fetch("/event", { method: "POST", body: JSON.stringify(event) });
addEventListener("error", (event) => say({ event: "error", text: event.message }));
addEventListener("unhandledrejection", (event) => say({ event: "error", text: String(event.reason) }));

// The WebSocket's fate tells whether the certificate was accepted.
const Dialed = globalThis.WebSocket;
globalThis.WebSocket = class extends Dialed {
  constructor(...how) {
    super(...how);
    this.addEventListener("open", () => say({ event: "note", text: `opened ${this.url}` }));
    this.addEventListener("close", (event) => say({ event: "note", text: `closed ${event.code} ${event.reason}` }));
  }
};

const settings = await (await fetch("/settings")).json();
const guest = new Guest(V86, {
  wasm_path: "/v86/v86.wasm", kernel: { url: "/part/kernel" }, initrd: { url: "/part/initrd" },
  bios: { url: "/part/bios" }, vga_bios: { url: "/part/vga_bios" }, state: { url: "/part/state" },
}, settings, document.getElementById("screen"));
await guest.ready;
await say({ event: "ready" });
for (;;) {
  const answer = await fetch("/command");
  if (answer.status === 204) continue;
  const { id, command } = await answer.json();
  await say({ event: "result", id, ...(await guest.run(id, command)) });
}
