#!/usr/bin/env node
// Starts the program that the package for this machine has brought, and ends as it ends.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@guesthouse/${process.platform}-${process.arch}`;

function program() {
  try {
    return require.resolve(`${name}/bin/guesthouse`);
  } catch {
    const known = Object.keys(require("../package.json").optionalDependencies).join(", ");
    console.error(`guesthouse: the package ${name} is not installed.`);
    console.error(`There is a program in: ${known}. One that is for this machine is left out by --omit=optional.`);
    process.exit(1);
  }
}

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });

// What a terminal sends (Ctrl-C, Ctrl-\), it sends to the child as well: passed on, one would count as two.
const bySomebody = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
const byTerminal = ["SIGINT", "SIGQUIT"];
for (const signal of bySomebody) process.on(signal, () => child.kill(signal));
for (const signal of byTerminal) process.on(signal, () => process.stdin.isTTY || child.kill(signal));

child.on("error", (error) => {
  console.error(`guesthouse: cannot start ${child.spawnfile}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  // As the child: by the signal itself, so that a shell sees it, or else by the number that shells give it.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
});
