//! # Templates: pages with places to be filled in
//!
//! [`Templates`] says where they come from; [`Engine`] is all of them compiled, with the functions
//! that pages call.
//!
//! Promises
//! 1. A template with a syntax error refuses the app, by file and line, before anything is served.
//! 2. What is written into a page is escaped, whatever its file is called, but for plain text.
//! 3. What is not there is an error and not an empty place.
//!
//! Never knows: requests. What a page has at hand beyond its handler's words is in
//! [`page`](super::page).

use std::cell::RefCell;
use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{
    AutoEscape, Environment, Output, State, UndefinedBehavior, Value, default_auto_escape_callback,
    escape_formatter,
};

use super::file::Stamp;

/// Templates in a folder beyond which it is the wrong folder.
const TEMPLATES_MAX: usize = 10_000;

/// Folders within folders beyond which a link goes round in circles.
const DEPTH_MAX: usize = 16;

/// Where an app's templates come from.
///
/// All are compiled before anything is served, and one with a mistake in its syntax refuses the app by
/// file and line. [`Cx::render`](super::Cx::render) makes a page of one.
///
/// They are written in the language of Jinja. What a handler says is escaped for the kind of page
/// that it is written into: for HTML in `.html`, as JSON in `.js` and `.json`, not at all in `.txt`,
/// `.md` and `.csv`, and for HTML in everything else. Attributes need their quotes; an address that
/// a visitor chose needs a look at its scheme first. What is not there is an error, and not an empty
/// place: `{% if x is defined %}` asks.
///
/// Always there are `path`; `user` (a name, or none); `messages` (see [`Flash`](super::Flash));
/// `csrf_field()` and `csrf_token`; `url_for("todo.show", id=7)`; and `static_url("app.css")`, which
/// carries the content's hash, so that browsers may keep the file for ever.
///
/// ```
/// use parlour::web::{App, Cx, Error, Templates, context};
/// use parlour::http::Response;
///
/// const PAGES: &[(&str, &str)] = &[
///     ("base.html", "<title>{% block title %}Todo{% endblock %}</title>{% block body %}{% endblock %}"),
///     ("index.html", "{% extends 'base.html' %}{% block body %}<p>{{ first }}{% endblock %}"),
/// ];
///
/// // Numbers, texts, lists of them and other contexts are said as they are; for a type of one's own
/// // that can be serialised there is `Serde(&thing)`.
/// fn index(cx: &mut Cx<'_, ()>) -> Result<Response, Error> {
///     cx.render("index.html", context! { first => "buy <milk>" })
/// }
///
/// let app = App::new(()).get("/", index).templates(Templates::embedded(PAGES));
/// # drop(app);
/// ```
#[derive(Clone, Debug)]
pub struct Templates {
    source: Source,
    reload: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Embedded(&'static [(&'static str, &'static str)]),
    Folder(PathBuf),
}

impl Templates {
    /// Templates that are part of the program: names and texts, the latter with `include_str!`.
    pub const fn embedded(templates: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            source: Source::Embedded(templates),
            reload: false,
        }
    }

    /// All files of a folder and of the folders in it, by their path from there. What begins with
    /// a dot is left out.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self {
            source: Source::Folder(path.into()),
            reload: false,
        }
    }

    /// Looks for changed files before each page, templates of a folder and what `static_url` names:
    /// for development, because the loop waits for the disk then.
    pub const fn reload(mut self, reload: bool) -> Self {
        self.reload = reload;
        self
    }

    pub(super) const fn reloads(&self) -> bool {
        self.reload
    }
}

/// All templates, compiled.
#[derive(Debug)]
pub(super) struct Engine {
    templates: Templates,
    compiled: RefCell<Compiled>,
    /// Functions and settings, without templates.
    blank: Environment<'static>,
}

#[derive(Debug)]
struct Compiled {
    /// What the templates of a folder were made from.
    found: Vec<(String, PathBuf, Stamp)>,
    environment: Result<Environment<'static>, String>,
}

impl Engine {
    /// Compiles all templates, for an environment with these functions, or says what is wrong.
    pub(super) fn new(
        templates: Templates,
        functions: impl FnOnce(&mut Environment<'static>),
    ) -> Result<Self, String> {
        let mut blank = Environment::new();
        blank.set_undefined_behavior(UndefinedBehavior::Strict);
        // Has errors name what is not there. It costs nothing before there is an error.
        blank.set_debug(true);
        blank.set_auto_escape_callback(escaping);
        blank.set_formatter(write_value);
        functions(&mut blank);
        let compiled = compile(&blank, &templates.source)?;
        compiled.environment.as_ref().map_err(Clone::clone)?;
        Ok(Self {
            templates,
            compiled: RefCell::new(compiled),
            blank,
        })
    }

    /// The text of a page, or what is wrong with its template.
    pub(super) fn render(&self, name: &str, page: Value) -> Result<String, String> {
        if self.templates.reload {
            self.look_again()?;
        }
        let compiled = self.compiled.borrow();
        let environment = compiled.environment.as_ref().map_err(Clone::clone)?;
        let template = environment.get_template(name).map_err(|e| told(&e))?;
        template.render(page).map_err(|error| told(&error))
    }

    fn look_again(&self) -> Result<(), String> {
        let Source::Folder(folder) = &self.templates.source else {
            return Ok(());
        };
        if files(folder)? != self.compiled.borrow().found {
            *self.compiled.borrow_mut() = compile(&self.blank, &self.templates.source)?;
        }
        Ok(())
    }
}

fn compile(blank: &Environment<'static>, source: &Source) -> Result<Compiled, String> {
    let mut environment = blank.clone();
    let (found, compiled) = match source {
        Source::Embedded(templates) => {
            let mut templates = templates.iter();
            let add = |(name, text): &(&'static str, &'static str)| {
                environment.add_template(name, text).map_err(|e| told(&e))
            };
            (Vec::new(), templates.try_for_each(add))
        }
        Source::Folder(folder) => {
            let found = files(folder)?;
            let add = |(name, path, _): &(String, PathBuf, Stamp)| {
                let text = fs::read_to_string(path)
                    .map_err(|error| format!("the template {}: {error}", path.display()))?;
                environment
                    .add_template_owned(name.clone(), text)
                    .map_err(|error| told(&error))
            };
            let compiled = found.iter().try_for_each(add);
            (found, compiled)
        }
    };
    Ok(Compiled {
        found,
        environment: compiled.map(|()| environment),
    })
}

/// The files of a folder and of those in it, in the order of their names.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf, Stamp)>, String> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let failed = |error| format!("the templates' folder {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            // A file that vanishes while we look is one that is not there.
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() && depth < DEPTH_MAX {
                folders.push((path, format!("{name}/"), depth + 1));
            } else if metadata.is_file() {
                found.push((name, path, Stamp::of(&metadata)));
            }
            if found.len() + folders.len() > TEMPLATES_MAX {
                return Err(format!(
                    "the templates' folder holds more than {TEMPLATES_MAX} files: name the folder \
                     that holds the templates only"
                ));
            }
        }
    }
    found.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    Ok(found)
}

/// The name without the ending that says only that it is a template.
pub(super) fn page_name(name: &str) -> &str {
    name.strip_suffix(".j2")
        .or_else(|| name.strip_suffix(".jinja"))
        .unwrap_or(name)
}

fn escaping(name: &str) -> AutoEscape {
    match default_auto_escape_callback(name) {
        AutoEscape::None if is_plain_text(page_name(name)) => AutoEscape::None,
        AutoEscape::None => AutoEscape::Html,
        known => known,
    }
}

/// Writes a value into a page. JSON is written so that it does no harm in a page of HTML either: a
/// script may be included there.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if matches!(state.auto_escape(), AutoEscape::Json) && !value.is_safe() {
        let json = state.apply_filter("tojson", std::slice::from_ref(value))?;
        return escape_formatter(out, state, &json);
    }
    escape_formatter(out, state, value)
}

fn is_plain_text(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("txt" | "md" | "csv"))
}

/// An error with what caused it, each with its file and line.
fn told(error: &minijinja::Error) -> String {
    let mut text = format!("the template: {error}");
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}; because of: {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn engine(templates: &'static [(&'static str, &'static str)]) -> Result<Engine, String> {
        Engine::new(Templates::embedded(templates), |_| {})
    }

    #[test]
    fn pages_are_escaped_by_what_they_are() {
        const PLACE: &str = "{{ x }}";
        let engine = engine(&[
            ("a.html", PLACE),
            ("a.html.j2", PLACE),
            ("a.svg", PLACE),
            ("a", PLACE),
            ("a.js", PLACE),
            ("a.txt", PLACE),
            ("raw.html", "{{ x|safe }}"),
            ("inline.html", "<script>{% include 'a.js' %}</script>"),
            ("script.html", "<script>let x = {{ x|tojson }};</script>"),
        ])
        .unwrap();
        let check = |name: &str, expected: &str| {
            let page = context! { x => "</script><b a='\"'>&" };
            assert_eq!(engine.render(name, page).unwrap(), expected, "{name}");
        };
        let html = "&lt;&#x2f;script&gt;&lt;b a=&#x27;&quot;&#x27;&gt;&amp;";
        let json = r#""\u003c/script\u003e\u003cb a=\u0027\"\u0027\u003e\u0026""#;
        check("a.html", html);
        check("a.html.j2", html);
        check("a.svg", html);
        check("a", html);
        check("a.js", json);
        check("a.txt", "</script><b a='\"'>&");
        check("raw.html", "</script><b a='\"'>&");
        check("inline.html", &format!("<script>{json}</script>"));
        check("script.html", &format!("<script>let x = {json};</script>"));
    }

    #[test]
    fn what_is_not_there_is_an_error_that_names_it_and_the_line() {
        let engine = engine(&[
            ("a.html", "one\n{{ missing }}"),
            ("b.html", "{% include 'a.html' %}"),
            ("c.html", "{{ item.missing }}"),
            ("d.html", "{% include 'nothing.html' %}"),
            ("f.html", "{% for it in items %}{{ it.name }}{% endfor %}"),
            (
                "g.html",
                "{% set a = item.missing|default('') %}{{ upper(a) }}",
            ),
        ])
        .unwrap();
        let check = |name: &str, parts: &[&str]| {
            let page = context! { item => context! { there => 1 } };
            let error = engine.render(name, page).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        };
        check("a.html", &["`missing` is undefined", "a.html:2"]);
        check(
            "b.html",
            &["b.html:1", "`missing` is undefined", "a.html:2"],
        );
        check("c.html", &["`item.missing` is undefined", "c.html:1"]);
        check("d.html", &["nothing.html", "d.html:1"]);
        check("e.html", &["e.html"]);
        check("f.html", &["`items` is undefined", "f.html:1"]);
        check("g.html", &["upper", "g.html:1"]);
    }

    #[test]
    fn a_broken_template_is_refused_by_file_and_line() {
        let error = engine(&[("a.html", "fine"), ("todo/b.html", "one\n\n{% if %}")]).unwrap_err();
        assert!(error.contains("todo/b.html:3"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("c.html"), "{{ a").unwrap();
        let error = Engine::new(Templates::folder(folder.path()), |_| {}).unwrap_err();
        assert!(error.contains("c.html:1"), "{error}");
        let nowhere = Templates::folder(folder.path().join("nowhere"));
        let error = Engine::new(nowhere, |_| {}).unwrap_err();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn a_folder_is_read_once_or_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("todo")).unwrap();
        fs::write(path("todo/a.html"), "{% extends 'base.html' %}").unwrap();
        fs::write(path("base.html"), "first").unwrap();
        fs::write(path(".hidden.html"), "{{").unwrap();
        let once = Engine::new(Templates::folder(folder.path()), |_| {}).unwrap();
        let again = Templates::folder(folder.path()).reload(true);
        let again = Engine::new(again, |_| {}).unwrap();
        let render = |engine: &Engine, name: &str| engine.render(name, context! {});
        assert_eq!(render(&once, "todo/a.html").unwrap(), "first");
        assert_eq!(render(&again, "todo/a.html").unwrap(), "first");
        fs::write(path("base.html"), "the second").unwrap();
        fs::write(path("new.html"), "new").unwrap();
        assert_eq!(render(&once, "todo/a.html").unwrap(), "first");
        assert_eq!(render(&again, "todo/a.html").unwrap(), "the second");
        assert_eq!(render(&again, "new.html").unwrap(), "new");
        fs::write(path("new.html"), "broken {{").unwrap();
        let error = render(&again, "todo/a.html").unwrap_err();
        assert!(error.contains("new.html:1"), "{error}");
        fs::remove_file(path("new.html")).unwrap();
        assert_eq!(render(&again, "todo/a.html").unwrap(), "the second");
        let error = render(&again, "new.html").unwrap_err();
        assert!(error.contains("new.html"), "{error}");
    }
}
