// One guest in a page: like node_vm.mjs, with the server of the page (page_server.py) in place of standard
// input and output. Settings come from /settings, commands from /command, which answers when there is one.

import { boot, say, watch_websockets } from "/machine_page.mjs";

watch_websockets((text) => say({ event: "note", text }));
const guest = await boot(document.getElementById("screen"));
await say({ event: "ready" });
for (;;) {
  const answer = await fetch("/command");
  if (answer.status === 204) continue;
  const { id, command } = await answer.json();
  await say({ event: "result", id, ...(await guest.run(id, command)) });
}
