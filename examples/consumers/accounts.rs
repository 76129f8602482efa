//! # Accounts: who people are
//!
//! A wrong password and an unknown name are told in the same words after the same time. Sessions do
//! the rest: a WebSocket finds the user that its browser signed in as.

use std::time::Duration;

use parlour::http::{Response, Status};
use parlour::web::{
    Cx, Error, Handler, Reply, Wait, login as sign_in, logout, password, rate_limit_by,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kept::{Kept, Person};
use crate::rules;

#[derive(Deserialize)]
struct Registration {
    username: String,
    password: String,
    display_name: Option<String>,
}

pub(crate) fn register(cx: &mut Cx<'_, Kept>) -> Result<Reply<Kept>, Error> {
    let asked: Registration = cx.request.json()?;
    rules::user_name(&asked.username)?;
    rules::password(&asked.password)?;
    let display_name = asked.display_name.unwrap_or_else(|| asked.username.clone());
    rules::display_name(&display_name)?;
    let name = asked.username;
    Ok(password::hash(&asked.password).then(move |cx, hashed| {
        let password = hashed?;
        let person = Person {
            name,
            display_name,
            password,
        };
        Ok::<_, Error>(add(cx, person))
    }))
}

fn add(cx: &Cx<'_, Kept>, person: Person) -> Reply<Kept> {
    let stored = Wait::stored(&cx.state.database, |connection| {
        person.add(connection)?;
        Ok(person)
    });
    stored.then(|cx, stored| match stored {
        Ok(person) => Ok(welcome(cx, &person, Status::CREATED)),
        Err(error) if error.is_unique() => Err(Error::new(
            Status::CONFLICT,
            "this user name is taken: choose another one",
        )),
        Err(error) => Err(error.into()),
    })
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

/// Ten tries a minute for one name from one address: enough for people, not for guessing.
pub(crate) fn login() -> impl Handler<Kept> {
    let who = |cx: &mut Cx<'_, Kept>| {
        let asked: Credentials = cx.request.json().ok()?;
        Some((cx.request.peer().ip(), asked.username.to_ascii_lowercase()))
    };
    rate_limit_by(10, Duration::from_secs(60), who, check)
}

fn check(cx: &mut Cx<'_, Kept>) -> Result<Reply<Kept>, Error> {
    let asked: Credentials = cx.request.json()?;
    let find = |connection: &_| Person::find(connection, &asked.username);
    let person = cx.state.reader.query(find)?;
    let verified = match &person {
        Some(person) => password::verify(&asked.password, &person.password),
        None => password::verify_nobody(&asked.password),
    };
    Ok(verified.then(|cx, fits| match person {
        Some(person) if fits => Ok(welcome(cx, &person, Status::OK)),
        _ => Err(Error::new(
            Status::UNAUTHORIZED,
            "the user name or the password is wrong",
        )),
    }))
}

fn welcome(cx: &mut Cx<'_, Kept>, person: &Person, status: Status) -> Response {
    sign_in(cx, &person.name);
    let told = json!({ "username": person.name, "display_name": person.display_name });
    Response::json(told.to_string()).with_status(status)
}

/// Sockets that are open stay open until their pages close them.
pub(crate) fn sign_out(cx: &mut Cx<'_, Kept>) {
    logout(cx);
}

pub(crate) fn me(cx: &mut Cx<'_, Kept>) -> Result<Value, Error> {
    let user = cx.user().unwrap_or_default().to_owned();
    let find = |connection: &_| Person::find(connection, &user);
    let person = cx.state.reader.query(find)?.ok_or_else(Error::not_found)?;
    Ok(json!({
        "username": person.name,
        "display_name": person.display_name,
        "connections": cx.house.user_len(&person.name),
    }))
}
