export const HELP = `Usage: npm run faults:store -- [options]

Breaks the embedded event store on purpose: kills, failing disks, torn and flipped bytes, full disks. The real server is driven through
the real clients, and what a fresh server serves afterwards is laid beside what was acknowledged.

  --all          every kind of fault, many times (default)
  --ci           every kind a few times, as in continuous integration
  --only NAME    only cases whose name begins so; may be given again
  --seed TEXT    of everything that is drawn (default 1)
  --keep DIR     where the cases keep their data, which then stays; default: a temporary directory that goes when all held
  --list         names and titles, and runs nothing
  --json         the result as JSON on standard output, progress on standard error
  --help

Examples:
  npm run faults:store -- --json > faults.json       all of it, for programs
  npm run faults:store -- --ci                       two minutes
  npm run faults:store -- --only sync --seed 7       what is done with strace at the Nth sync, with other draws
  npm run faults:store -- --only torn --keep /tmp/x  and the directories stay for a look

What a machine does not allow (no strace, no right to trace or to mount) is skipped and counted with its reason. A fault that was asked for and
did not happen is no fault injected, and a case without any has failed.
Exit codes: 0 all held; 1 something did not; 2 wrong arguments.
`;
