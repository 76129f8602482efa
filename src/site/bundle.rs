//! # Bundle: the scripts of a first visit as one file
//!
//! Scripts are many small modules, and each is a question over a bad line and a gzip of its own. What
//! the first one needs at once is sent as one: the modules one behind the other, each in a function
//! of its own, so that none sees the names of another. Modules that are loaded later take what they
//! need out of that one file: no module is there twice.
//!
//! What is understood of the language is what the modules here make use of, and a test bundles them
//! all: an import or export that is written in another way is refused, and so are modules that need
//! each other in a circle.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Modules by their names, which are their files' without the ending.
pub(super) type Modules<'a> = BTreeMap<&'a str, &'a str>;

/// Several modules as one.
#[derive(Debug)]
pub(super) struct Bundle<'a> {
    /// What is sent.
    pub(super) text: String,
    /// The modules that are in it, in the order in which they run.
    parts: Vec<&'a str>,
}

impl<'a> Bundle<'a> {
    /// The module `root` and all that it needs to begin; or what cannot be understood.
    pub(super) fn new(root: &'a str, modules: &Modules<'a>) -> Result<Self, String> {
        let mut bundle = Self {
            text: String::new(),
            parts: Vec::new(),
        };
        bundle.add(root, modules, &mut Vec::new())?;
        Ok(bundle)
    }

    /// Whether a module is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parts.contains(&name)
    }

    /// A module that is not in it, with what it needs taken out of the file `name`.
    pub(super) fn lead(&self, text: &str, name: &str) -> Result<String, String> {
        let module = Module::read(text)?;
        let mut led = String::with_capacity(text.len());
        for import in &module.imports {
            let (from, is_part) = (import.from, self.has(import.from));
            let each = |(theirs, own): &(&str, &str)| match is_part {
                true => format!("{} as {own}", public(from, theirs)),
                false => format!("{theirs} as {own}"),
            };
            let names: Vec<String> = import.names.iter().map(each).collect();
            let from = if is_part { name } else { from };
            let names = names.join(", ");
            // To a string, nothing can fail.
            let _ = writeln!(led, "import {{ {names} }} from \"./{from}.js\";");
        }
        led.push_str(module.code);
        Ok(led)
    }

    fn add(
        &mut self,
        name: &'a str,
        modules: &Modules<'a>,
        above: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if above.contains(&name) {
            return Err(format!("{name} needs itself: {}", above.join(", ")));
        }
        if self.has(name) {
            return Ok(());
        }
        let text = modules
            .get(name)
            .ok_or_else(|| format!("there is no {name}.js"))?;
        let module = Module::read(text).map_err(|why| format!("{name}.js: {why}"))?;
        above.push(name);
        for import in &module.imports {
            self.add(import.from, modules, above)?;
        }
        above.pop();
        self.parts.push(name);
        self.append(name, &module);
        Ok(())
    }

    fn append(&mut self, name: &str, module: &Module<'a>) {
        let text = &mut self.text;
        // To a string, nothing can fail.
        let _ = writeln!(text, "const ${name} = (() => {{");
        for Import { from, names } in &module.imports {
            let each = |(theirs, own): &(&str, &str)| match theirs == own {
                true => (*own).to_owned(),
                false => format!("{theirs}: {own}"),
            };
            let names: Vec<String> = names.iter().map(each).collect();
            let _ = writeln!(text, "const {{ {} }} = ${from};", names.join(", "));
        }
        for line in module.code.lines() {
            text.push_str(line.strip_prefix("export ").unwrap_or(line));
            text.push('\n');
        }
        let exports = &module.exports;
        let _ = writeln!(text, "return {{ {} }};\n}})();", exports.join(", "));
        let each = |it: &&str| format!("{it}: {}", public(name, it));
        let publics: Vec<String> = exports.iter().map(each).collect();
        if !publics.is_empty() {
            let _ = writeln!(text, "export const {{ {} }} = ${name};", publics.join(", "));
        }
    }
}

/// What something of a module is called in the bundle. No module calls anything so by itself.
fn public(module: &str, name: &str) -> String {
    format!("{module}${name}")
}

/// A module, read.
#[derive(Debug)]
struct Module<'a> {
    imports: Vec<Import<'a>>,
    /// What stands behind the imports.
    code: &'a str,
    exports: Vec<&'a str>,
}

#[derive(Debug)]
struct Import<'a> {
    from: &'a str,
    /// What it is called there, and here.
    names: Vec<(&'a str, &'a str)>,
}

impl<'a> Module<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let mut imports = Vec::new();
        let mut code = text;
        while let Some(rest) = code.strip_prefix("import ") {
            let (statement, rest) = rest.split_once(';').ok_or("an import has no end")?;
            imports.push(Import::read(statement)?);
            code = rest.trim_start_matches('\n');
        }
        let mut exports = Vec::new();
        for line in code.lines() {
            if line.starts_with("import ") {
                return Err(format!("an import behind code: {line}"));
            }
            if let Some(what) = line.strip_prefix("export ") {
                exports.push(
                    exported(what).ok_or_else(|| format!("an export of another kind: {line}"))?,
                );
            }
        }
        Ok(Self {
            imports,
            code,
            exports,
        })
    }
}

impl<'a> Import<'a> {
    /// What stands between `import` and the semicolon: names in braces, and where they are from.
    fn read(statement: &'a str) -> Result<Self, String> {
        let odd = || format!("an import of another kind: {statement}");
        let (names, from) = statement.split_once("from").ok_or_else(odd)?;
        let names = names.trim().strip_prefix('{').ok_or_else(odd)?;
        let names = names.strip_suffix('}').ok_or_else(odd)?;
        let from = from.trim().strip_prefix("\"./").ok_or_else(odd)?;
        let from = from.strip_suffix(".js\"").ok_or_else(odd)?;
        let each = |name: &'a str| name.split_once(" as ").unwrap_or((name, name));
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(each);
        Ok(Self {
            from,
            names: names.collect(),
        })
    }
}

/// The name of what is declared behind `export`; nothing if it may be given another value later, has
/// several names, or none.
fn exported(what: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "const ", "class "];
    let rest = kinds.iter().find_map(|kind| what.strip_prefix(kind))?;
    let end = rest.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == '$'))?;
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "import { b, c as d } from \"./two.js\";\nimport {\ne,\n} from \"./three.js\";\n\
                        b(d, e);\nconst later = () => import(\"./four.js\");\n";
    const TWO: &str = "import { e } from \"./three.js\";\nexport const b = 1;\nexport async function c() {\nreturn e;\n}\n";
    const THREE: &str = "const f = 1;\nexport class e {\n}\n";

    fn modules() -> Modules<'static> {
        Modules::from([("root", ROOT), ("two", TWO), ("three", THREE)])
    }

    #[test]
    fn each_stands_behind_what_it_needs_in_a_scope_of_its_own() {
        let bundle = Bundle::new("root", &modules()).unwrap();
        assert_eq!(bundle.parts, ["three", "two", "root"]);
        let expected = "const $three = (() => {\nconst f = 1;\nclass e {\n}\nreturn { e };\n})();\n\
             export const { e: three$e } = $three;\n\
             const $two = (() => {\nconst { e } = $three;\nconst b = 1;\nasync function c() {\n\
             return e;\n}\nreturn { b, c };\n})();\nexport const { b: two$b, c: two$c } = $two;\n\
             const $root = (() => {\nconst { b, c: d } = $two;\nconst { e } = $three;\nb(d, e);\n\
             const later = () => import(\"./four.js\");\nreturn {  };\n})();\n";
        assert_eq!(bundle.text, expected);
    }

    #[test]
    fn later_ones_take_what_they_need_out_of_it() {
        let bundle = Bundle::new("root", &modules()).unwrap();
        let later =
            "import { b as own } from \"./two.js\";\nimport { g } from \"./five.js\";\nown(g);\n";
        let led = bundle.lead(later, "all").unwrap();
        let expected = "import { two$b as own } from \"./all.js\";\nimport { g as g } from \"./five.js\";\nown(g);\n";
        assert_eq!(led, expected);
        assert_eq!(bundle.lead("let a;\n", "all").unwrap(), "let a;\n");
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        let modules = Modules::from([("a", text), ("b", "import { c } from \"./a.js\";\n")]);
        let why = Bundle::new("a", &modules).unwrap_err();
        assert!(why.contains(expected), "{text:?}: {why}");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        refuses("import all from \"./b.js\";\n", "another kind");
        refuses("import * as all from \"./b.js\";\n", "another kind");
        refuses("import { a } from \"b\";\n", "another kind");
        refuses("import \"./b.js\";\n", "another kind");
        refuses("import { a } from \"./b.js\"", "no end");
        refuses("a();\nimport { c } from \"./b.js\";\n", "behind code");
        refuses("export let a = 1;\n", "another kind");
        refuses("export default 1;\n", "another kind");
        refuses("export { a };\n", "another kind");
        refuses("export const { a } = b;\n", "another kind");
        refuses("import { x } from \"./gone.js\";\n", "there is no gone.js");
        refuses("import { c } from \"./b.js\";\n", "needs itself");
    }
}
