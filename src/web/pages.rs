//! # Pages: everything that a page is made of
//!
//! Names of routes, templates and files of one app, and how a handler gets at them.

use std::path::PathBuf;
use std::sync::Arc;

use minijinja::Value;

use super::assets::Assets;
use super::cx::Cx;
use super::error::Error;
use super::file::{Asked, SendFile};
use super::flash::Flash;
use super::names::Names;
use super::page::{Page, add_functions};
use super::templates::{Engine, Templates, page_name};
use crate::http::{Response, Status, media};

/// Names, templates and files of an app.
#[derive(Debug, Default)]
pub(super) struct Pages {
    names: Arc<Names>,
    engine: Option<Engine>,
}

impl Pages {
    /// Puts them together, or says which template is wrong.
    pub(super) fn new(
        names: Names,
        assets: Assets,
        templates: Option<Templates>,
    ) -> Result<Self, String> {
        let names = Arc::new(names);
        let assets = Arc::new(assets);
        let engine = templates.map(|templates| {
            let look_again = templates.reloads();
            Engine::new(templates, |environment| {
                add_functions(environment, Arc::clone(&names), assets, look_again);
            })
        });
        Ok(Self {
            engine: engine.transpose()?,
            names,
        })
    }
}

impl<S> Cx<'_, S> {
    /// The path of the route with this name: see [`Routes::named`](super::Routes::named). Values
    /// are percent-encoded; those that are no parameters of the route become its query. A name that
    /// no route has, a parameter that is missing, and a value that no path of the route can have, are
    /// errors of ours. In templates this is `url_for("todo.show", id=7)`.
    ///
    /// ```
    /// use parlour::http::Response;
    /// use parlour::web::{Cx, Error};
    ///
    /// fn next(cx: &mut Cx<'_, u32>) -> Result<Response, Error> {
    ///     *cx.state += 1;
    ///     let id = cx.state.to_string();
    ///     // Such as /todo/7?from=list.
    ///     Ok(Response::redirect(&cx.url_for("todo.show", &[("id", &id), ("from", "list")])?))
    /// }
    /// # let _ = next;
    /// ```
    pub fn url_for(&self, name: &str, values: &[(&str, &str)]) -> Result<String, Error> {
        let path = self.house.desk.pages.names.path(name, values);
        path.map_err(Error::internal)
    }

    /// A page from a template, with what `own` says (see [`context!`](super::context)) and what is
    /// always there: see [`Templates`].
    pub fn render(&mut self, template: &str, own: impl Into<Value>) -> Result<Response, Error> {
        let pages = &self.house.desk.pages;
        let engine = pages.engine.as_ref().ok_or_else(|| {
            Error::internal(format!(
                "the page {template} cannot be rendered, because the app has no templates: \
                 write App::templates(Templates::folder(\"templates\")), or Templates::embedded(…) \
                 for those that are part of the program"
            ))
        })?;
        let page = Page::new(self.request, own.into());
        let messages = page.messages();
        let text = engine
            .render(template, Value::from_object(page))
            .map_err(Error::internal)?;
        if messages.were_shown()
            && let Some(flash) = self.request.carried_mut::<Flash>()
        {
            flash.0.clear();
        }
        let content_type = media::by_path(page_name(template));
        let page = Response::new(Status::OK).field("Content-Type", content_type);
        Ok(page.body(text))
    }

    /// A file as the answer, read by a helper: with ranges, conditions and the media type of its
    /// name. Whoever takes a part of the path from a request has to look at it first.
    ///
    /// ```
    /// use parlour::web::{Cx, SendFile};
    ///
    /// fn report(cx: &mut Cx<'_, ()>) -> SendFile {
    ///     cx.file("reports/2026.pdf").save_as("report.pdf")
    /// }
    /// # let _ = report;
    /// ```
    pub fn file(&self, path: impl Into<PathBuf>) -> SendFile {
        SendFile::new(path.into(), Asked::of(self))
    }
}
