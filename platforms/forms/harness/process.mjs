import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/**
 * Starts a server and waits until it says that it is ready. What it prints goes to stderr when
 * `REFUND_NODE_VERBOSE` is set; its last lines are in the error when it ends too early.
 *
 * @returns the line that said so, and how to end the process
 */
export async function started(command, args, { ready, seconds = 60, ...options }) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const last = [];
  const line = await new Promise((resolve, reject) => {
    const failed = (why) => reject(new Error(`${command} ${why}\n${last.join("\n")}`));
    const timer = setTimeout(() => failed(`was not ready after ${seconds} s`), seconds * 1000);
    child.once("error", reject);
    child.once("exit", (code) => failed(`ended with ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (text) => {
        last.splice(0, last.length - 30);
        last.push(text);
        if (process.env.REFUND_NODE_VERBOSE) process.stderr.write(`${text}\n`);
        if (!ready.test(text)) return;
        clearTimeout(timer);
        resolve(text);
      });
    }
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return { line, stop: () => stop(child), log: last };
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}

/** A port on loopback that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
