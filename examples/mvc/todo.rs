//! # Todo: what somebody wants to do
//!
//! Everybody sees their own list and nobody else's.

use parlour::http::Response;
use parlour::store::rusqlite::types::ToSql;
use parlour::store::rusqlite::{self, Row};
use parlour::store::{Model, Order};
use parlour::web::{
    Cx, Error, Handler, Reply, Routes, Serde, Wait, context, flash, login_required,
    same_user_required,
};
use serde::Serialize;

use crate::Site;
use crate::form::Form;
use crate::user::{refuse_unless_good, signed_in};
use crate::when::When;

const TITLE_LETTERS_MAX: usize = 120;
const NOTES_LETTERS_MAX: usize = 2000;
/// A list that is longer is no list any more.
const TODOS_MAX: u64 = 500;

const FIELDS: [&str; 2] = ["title", "notes"];

#[derive(Serialize)]
pub(crate) struct Todo {
    id: i64,
    owner: String,
    title: String,
    notes: String,
    done: bool,
    added_ms: i64,
}

impl Model for Todo {
    const TABLE: &'static str = "todos";
    const COLUMNS: &'static [&'static str] = &["owner", "title", "notes", "done", "added_ms"];

    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get("id")?,
            owner: row.get("owner")?,
            title: row.get("title")?,
            notes: row.get("notes")?,
            done: row.get("done")?,
            added_ms: row.get("added_ms")?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        vec![
            &self.owner,
            &self.title,
            &self.notes,
            &self.done,
            &self.added_ms,
        ]
    }
}

pub(crate) fn routes() -> Routes<Site> {
    Routes::new()
        .get("/", login_required(index))
        .named("index")
        .post("/", login_required(add))
        .get("/{id}", owners_only(edit))
        .named("edit")
        .post("/{id}", owners_only(update))
        .post("/{id}/done", owners_only(toggle))
        .named("done")
        .get("/{id}/delete", owners_only(confirm))
        .named("delete")
        .post("/{id}/delete", owners_only(delete))
}

fn owners_only(inner: impl Handler<Site>) -> impl Handler<Site> {
    let owner = |cx: &mut Cx<'_, Site>| Ok(asked(cx)?.owner);
    login_required(same_user_required(owner, inner))
}

/// The row that the path names. It is one look by key, so the loop may do it.
fn asked(cx: &Cx<'_, Site>) -> Result<Todo, Error> {
    let id: i64 = cx.request.param("id")?;
    Ok(cx.state.reader.query(|it| Todo::find(it, id))?)
}

fn index(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    show_index(cx, &Form::empty(&FIELDS))
}

fn show_index(cx: &mut Cx<'_, Site>, form: &Form) -> Result<Response, Error> {
    let owner = signed_in(cx)?;
    let todos = cx.state.reader.query(|it| {
        Todo::select()
            .matching("owner", owner)
            .order(Order::asc("done"))
            .order(Order::desc("added_ms"))
            .all(it)
    })?;
    let left = todos.iter().filter(|todo| !todo.done).count();
    let page = context! { todos => Serde(&todos), left => left, form => Serde(form) };
    Ok(refuse_unless_good(
        cx.render("todo/index.html", page)?,
        form,
    ))
}

fn add(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut form = Form::sent(cx.request, &FIELDS)?;
    let owner = signed_in(cx)?;
    let mine = Todo::select().matching("owner", &owner);
    let count = cx.state.reader.query(|it| mine.count(it))?;
    let todo = Todo {
        id: 0,
        title: title(&mut form),
        notes: form.optional("notes", NOTES_LETTERS_MAX),
        done: false,
        added_ms: cx.house.now().unix_ms.cast_signed(),
        owner: owner.clone(),
    };
    let full = "Your list is full: delete something first.";
    form.check("title", count < TODOS_MAX, full);
    if !form.is_good() {
        return show_index(cx, &form).map(Reply::of);
    }
    let stored = Wait::stored(&cx.state.database, move |it| todo.insert(it));
    Ok(stored.then(|cx, stored| done(cx, stored, |it| format!("“{}” is on your list.", it.title))))
}

fn title(form: &mut Form) -> String {
    let title = form.required("title", TITLE_LETTERS_MAX);
    form.check("title", !title.contains('\n'), "One line, please.");
    title
}

fn edit(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    let todo = asked(cx)?;
    let form = Form::new(&[("title", &todo.title), ("notes", &todo.notes)]);
    show_edit(cx, &todo, &form)
}

fn show_edit(cx: &mut Cx<'_, Site>, todo: &Todo, form: &Form) -> Result<Response, Error> {
    let page = context! {
        todo => Serde(todo),
        added => Serde(When::new(todo.added_ms, cx.house.now().unix_ms)),
        form => Serde(form),
    };
    Ok(refuse_unless_good(cx.render("todo/edit.html", page)?, form))
}

fn update(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut todo = asked(cx)?;
    let mut form = Form::sent(cx.request, &FIELDS)?;
    let (title, notes) = (title(&mut form), form.optional("notes", NOTES_LETTERS_MAX));
    if !form.is_good() {
        return show_edit(cx, &todo, &form).map(Reply::of);
    }
    (todo.title, todo.notes) = (title, notes);
    let stored = Wait::stored(&cx.state.database, move |it| todo.update(it));
    Ok(stored.then(|cx, stored| done(cx, stored, |()| "It is changed.".to_owned())))
}

/// What is done is open again, and the other way round.
fn toggle(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut todo = asked(cx)?;
    todo.done = !todo.done;
    let tell = match todo.done {
        true => format!("Done: “{}”.", todo.title),
        false => format!("“{}” is open again.", todo.title),
    };
    let stored = Wait::stored(&cx.state.database, move |it| todo.update(it));
    Ok(stored.then(|cx, stored| done(cx, stored, |()| tell)))
}

fn confirm(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    let todo = asked(cx)?;
    let page = context! {
        question => "Delete this from your list?",
        text => todo.title,
        back => cx.url_for("todo.index", &[])?,
    };
    cx.render("confirm.html", page)
}

fn delete(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let id: i64 = cx.request.param("id")?;
    let stored = Wait::stored(&cx.state.database, move |it| Todo::delete(it, id));
    Ok(stored.then(|cx, stored| done(cx, stored, |()| "It is deleted.".to_owned())))
}

/// Back to the list, with something to tell.
fn done<T>(
    cx: &mut Cx<'_, Site>,
    stored: Result<T, parlour::store::StoreError>,
    tell: impl FnOnce(T) -> String,
) -> Result<Response, Error> {
    flash(cx, tell(stored?));
    Ok(Response::redirect(&cx.url_for("todo.index", &[])?))
}
