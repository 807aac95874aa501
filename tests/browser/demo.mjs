// A machine to look at: waits for the router, boots, runs the commands of demo.py, then those that are typed.
// Everything shown is told to demo.py too.

import { boot, say, settings, watch_websockets } from "/machine_page.mjs";

const kAgain = 3000;      // ms between two attempts to reach the router
const kRefresh = 200;     // ms between two looks at what a command says
const kRefused = 4003;    // the close code of a router that does not let a page in
const transcript = document.getElementById("transcript");
const input = document.getElementById("command");

function show(kind, text) {
  const line = document.createElement("div");
  line.className = kind;
  line.textContent = text;
  transcript.append(line);
  line.scrollIntoView();
  return line;
}

function note(text, kind = "note") {
  show(kind, text);
  say({ event: "note", text });
}

// What keeps this page from the router, or nothing. The router answers such a message, as JSLinux wants it.
function obstacle() {
  return new Promise((resolve) => {
    const socket = new WebSocket(settings.relay);
    socket.onopen = () => socket.send("ping:demo");
    socket.onmessage = () => { resolve(""); socket.close(); };
    socket.onclose = ({ code, reason }) => resolve(
      code === kRefused ? `refused by the router: ${code} ${reason}`
        : `no router at ${settings.relay} (${code}${reason && ` ${reason}`}); trying until there is one`);
  });
}

async function wait_for_router() {
  for (let told = ""; ;) {
    const found = await obstacle();
    if (!found) break;
    if (found !== told) note(found, "failure");
    told = found;
    await new Promise((resolve) => setTimeout(resolve, kAgain));
  }
}

class Terminal {
  constructor(guest) {
    this.guest = guest;
    this.count = 0;
    this.last = Promise.resolve();
  }

  // Runs a line after those before it; resolves with its exit code.
  run(command) {
    this.last = this.last.then(() => this.run_alone(command));
    return this.last;
  }

  async run_alone(command) {
    show("command", `# ${command}`);
    say({ event: "command", command });
    const output = show("output", "");
    const refreshing = setInterval(() => { output.textContent = this.guest.output_so_far(); }, kRefresh);
    // In a shell of its own, so that neither a slip of the pen nor `exit` ends the machine.
    const quoted = command.replaceAll("'", "'\\''");
    const result = await this.guest.run(++this.count, `(eval '${quoted}')`);
    clearInterval(refreshing);
    output.textContent = result.output;
    if (result.code !== 0) show("failure", `exit code ${result.code}`);
    await say({ event: "result", code: result.code, output: result.output });
    return result.code;
  }
}

await wait_for_router();
note(`the router answers at ${settings.relay}; the machine boots`);
const guest = await boot(null);
watch_websockets((text) => note(text));
const terminal = new Terminal(guest);
await terminal.run(settings.driver);
while (await terminal.run(settings.lease) !== 0) note("no lease; asking again", "failure");
for (const command of settings.commands) await terminal.run(command);
note("type further commands into the page");
document.getElementById("line").addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value.trim()) terminal.run(input.value);
  input.value = "";
});
input.placeholder = "a command";
input.disabled = false;
input.focus();
