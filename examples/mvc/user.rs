//! # Users: signing up, in and out, and one's profile

use std::time::Duration;

use parlour::http::{Response, Status};
use parlour::store::Model;
use parlour::store::rusqlite::types::ToSql;
use parlour::store::rusqlite::{self, Row};
use parlour::web::password::{self, PASSWORD_BYTES_MAX};
use parlour::web::{
    Cx, Error, Reply, Routes, Serde, Wait, context, flash, login, login_required, logout,
    logout_everywhere, rate_limit_by,
};

use crate::Site;
use crate::form::Form;
use crate::when::When;

const NAME_LETTERS_MAX: usize = 20;
const SHOWN_LETTERS_MAX: usize = 40;
const ABOUT_LETTERS_MAX: usize = 500;
const PASSWORD_LETTERS_MIN: usize = 8;

/// Passwords that may be tried for one name in ten minutes.
const TRIES_MAX: u32 = 20;
const TRIES_IN: Duration = Duration::from_secs(600);

pub(crate) struct User {
    pub(crate) id: i64,
    /// What they sign in with, and what rows refer to.
    pub(crate) name: String,
    pub(crate) shown_as: String,
    pub(crate) about: String,
    pub(crate) password: String,
    pub(crate) joined_ms: i64,
}

impl Model for User {
    const TABLE: &'static str = "users";
    const COLUMNS: &'static [&'static str] =
        &["name", "shown_as", "about", "password", "joined_ms"];

    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            shown_as: row.get("shown_as")?,
            about: row.get("about")?,
            password: row.get("password")?,
            joined_ms: row.get("joined_ms")?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        vec![
            &self.name,
            &self.shown_as,
            &self.about,
            &self.password,
            &self.joined_ms,
        ]
    }
}

pub(crate) fn routes() -> Routes<Site> {
    let tried = |cx: &mut Cx<'_, Site>| cx.request.form_value("name").map(|it| plain_name(&it));
    Routes::new()
        .get("/register", register_page)
        .named("register")
        .post("/register", register)
        .get("/login", login_page)
        .named("login")
        .post("/login", rate_limit_by(TRIES_MAX, TRIES_IN, tried, sign_in))
        .post("/logout", sign_out)
        .named("logout")
        .get("/profile", login_required(profile))
        .named("profile")
        .post("/profile", login_required(change_profile))
        .post("/profile/password", login_required(change_password))
        .named("password")
}

/// A name as it is kept, however it was typed.
fn plain_name(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// Whoever is signed in. Only behind [`login_required`].
pub(crate) fn signed_in<S>(cx: &Cx<'_, S>) -> Result<String, Error> {
    let name = cx.user().map(str::to_owned);
    name.ok_or_else(|| Error::internal("login_required stands before all that ask who it is"))
}

/// The row of whoever is signed in.
fn me(cx: &Cx<'_, Site>) -> Result<User, Error> {
    let name = signed_in(cx)?;
    let found = cx
        .state
        .reader
        .query(|it| User::first_by(it, "name", name))?;
    found.ok_or_else(|| Error::internal("a session belongs to somebody who does not exist"))
}

// ---- signing up -------------------------------------------------------------------------------

const REGISTRATION: [&str; 2] = ["name", "password"];

fn register_page(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    show_register(cx, &Form::empty(&REGISTRATION))
}

fn show_register(cx: &mut Cx<'_, Site>, form: &Form) -> Result<Response, Error> {
    let next = cx.request.next_page("/todo");
    let page = context! { form => Serde(form), next => next };
    Ok(refuse_unless_good(
        cx.render("user/register.html", page)?,
        form,
    ))
}

/// A page with a form in which something is wrong says so to programs, too.
pub(crate) fn refuse_unless_good(page: Response, form: &Form) -> Response {
    match form.is_good() {
        true => page,
        false => page.with_status(Status::UNPROCESSABLE_CONTENT),
    }
}

fn register(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut form = Form::sent(cx.request, &REGISTRATION)?;
    let name = plain_name(&form.required("name", NAME_LETTERS_MAX));
    let is_plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_' | '-');
    let rule = "Letters from a to z, digits, - and _ only.";
    form.check("name", name.chars().all(is_plain), rule);
    check_password(&mut form, "password");
    if !form.is_good() {
        return show_register(cx, &form).map(Reply::of);
    }
    let joined_ms = cx.house.now().unix_ms.cast_signed();
    Ok(password::hash(form.value("password")).then(
        move |cx: &mut Cx<'_, Site>, hashed| -> Result<Reply<Site>, Error> {
            let user = User {
                id: 0,
                shown_as: name.clone(),
                name,
                about: String::new(),
                password: hashed?,
                joined_ms,
            };
            let stored = Wait::stored(&cx.state.database, move |it| user.insert(it));
            Ok(stored.then(move |cx, stored| match stored {
                Ok(user) => {
                    login(cx, &user.name);
                    flash(cx, format!("Welcome, {}.", user.shown_as));
                    Ok(Response::redirect(&cx.request.next_page("/todo")))
                }
                Err(error) if error.is_unique() => {
                    form.check("name", false, "Somebody else has this name already.");
                    show_register(cx, &form)
                }
                Err(error) => Err(error.into()),
            }))
        },
    ))
}

fn check_password(form: &mut Form, field: &'static str) {
    let password = form.value(field);
    let long_enough = password.chars().count() >= PASSWORD_LETTERS_MIN;
    let short_enough = password.len() <= PASSWORD_BYTES_MAX;
    let rule = format!("At least {PASSWORD_LETTERS_MIN} letters.");
    form.check(field, long_enough, &rule);
    form.check(field, short_enough, "That is too long for a password.");
}

// ---- in and out -------------------------------------------------------------------------------

const SIGN_IN: [&str; 2] = ["name", "password"];

fn login_page(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    show_login(cx, &Form::empty(&SIGN_IN))
}

fn show_login(cx: &mut Cx<'_, Site>, form: &Form) -> Result<Response, Error> {
    let next = cx.request.next_page("/todo");
    let page = context! { form => Serde(form), next => next };
    Ok(refuse_unless_good(
        cx.render("user/login.html", page)?,
        form,
    ))
}

fn sign_in(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut form = Form::sent(cx.request, &SIGN_IN)?;
    let name = plain_name(form.value("name"));
    let found = cx
        .state
        .reader
        .query(|it| User::first_by(it, "name", &name))?;
    let typed = form.value("password");
    let checked = match &found {
        Some(user) => password::verify(typed, &user.password),
        None => password::verify_nobody(typed),
    };
    Ok(checked.then(move |cx: &mut Cx<'_, Site>, fits| {
        if !fits {
            form.check("password", false, "Name and password do not fit.");
            return show_login(cx, &form);
        }
        login(cx, &name);
        Ok(Response::redirect(&cx.request.next_page("/todo")))
    }))
}

fn sign_out(cx: &mut Cx<'_, Site>) -> Response {
    logout(cx);
    flash(cx, "You are logged out.");
    Response::redirect("/")
}

// ---- the profile ------------------------------------------------------------------------------

const PASSWORDS: [&str; 2] = ["current", "new"];

fn profile(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    let me = me(cx)?;
    let form = Form::new(&[("shown_as", &me.shown_as), ("about", &me.about)]);
    show_profile(cx, &me, &form, &Form::empty(&PASSWORDS))
}

fn show_profile(
    cx: &mut Cx<'_, Site>,
    me: &User,
    form: &Form,
    passwords: &Form,
) -> Result<Response, Error> {
    let page = context! {
        shown_as => me.shown_as.as_str(),
        joined => Serde(When::new(me.joined_ms, cx.house.now().unix_ms)),
        form => Serde(form),
        passwords => Serde(passwords),
    };
    let page = refuse_unless_good(cx.render("user/profile.html", page)?, form);
    Ok(refuse_unless_good(page, passwords))
}

fn change_profile(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut me = me(cx)?;
    let mut form = Form::sent(cx.request, &["shown_as", "about"])?;
    let shown_as = form.required("shown_as", SHOWN_LETTERS_MAX);
    form.check("shown_as", !shown_as.contains('\n'), "One line, please.");
    let about = form.optional("about", ABOUT_LETTERS_MAX);
    if !form.is_good() {
        return show_profile(cx, &me, &form, &Form::empty(&PASSWORDS)).map(Reply::of);
    }
    (me.shown_as, me.about) = (shown_as, about);
    Ok(store(cx, me, "Your profile is changed."))
}

fn change_password(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut me = me(cx)?;
    let mut passwords = Form::sent(cx.request, &PASSWORDS)?;
    check_password(&mut passwords, "new");
    let checked = password::verify(passwords.value("current"), &me.password);
    Ok(checked.then(
        move |cx: &mut Cx<'_, Site>, fits| -> Result<Reply<Site>, Error> {
            passwords.check("current", fits, "That is not your password.");
            if !passwords.is_good() {
                let form = Form::new(&[("shown_as", &me.shown_as), ("about", &me.about)]);
                return show_profile(cx, &me, &form, &passwords).map(Reply::of);
            }
            Ok(password::hash(passwords.value("new")).then(
                move |cx: &mut Cx<'_, Site>, hashed| -> Result<Reply<Site>, Error> {
                    me.password = hashed?;
                    // Whoever knew the old one is signed in nowhere any more.
                    logout_everywhere(cx, &me.name)?;
                    login(cx, &me.name);
                    Ok(store(cx, me, "Your password is changed."))
                },
            ))
        },
    ))
}

fn store(cx: &Cx<'_, Site>, user: User, tell: &'static str) -> Reply<Site> {
    Wait::stored(&cx.state.database, move |it| user.update(it)).then(
        move |cx: &mut Cx<'_, Site>, stored| -> Result<Response, Error> {
            stored?;
            flash(cx, tell);
            Ok(Response::redirect("/profile"))
        },
    )
}
