//! # First: a server that nobody uses yet
//!
//! Whoever opens it first makes their account, which is the admin's, says what the server is called
//! and who may come, and has a room and a link that brings others there. Only while there is no
//! account: then these pages lead to the others.

use minijinja::Value;

use super::form::Form;
use super::rooms::path_of;
use super::{Paged, address, see, settings};
use crate::chat::{Kind, Operation, Refusal, RoomName, Setting, SignUp, Title, UserId};
use crate::http::cookie::SetCookie;
use crate::http::form::push_encoded;
use crate::site::hall::Hall;
use crate::site::rest::asking::{Done, wanted};
use crate::site::rest::people::{Newcomer, enter};
use crate::site::rest::tokens::{self, Made, Wish};
use crate::site::secret::{Secret, SecretKind};
use crate::web::{Cx, Reply, context};

/// Where the first invite code is until its link was shared.
const INVITE_COOKIE: &str = "parlour_invite";

/// How long that is.
const INVITE_COOKIE_S: u64 = 60 * 60;

/// Whom the first link lets in: more than a small group has.
const INVITE_USES: u32 = 100;

const TEMPLATE: &str = "first.html";

/// `GET /first`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    if !settings(cx)?.is_empty {
        return Ok(Reply::of(see("/")));
    }
    blank(cx)
}

/// The page as it is at first.
pub(super) fn blank(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::default().with("room", "general");
    form.page(cx, TEMPLATE, Value::UNDEFINED)
}

/// What the server is to be.
struct Plan {
    name: Title,
    sign_up: SignUp,
    room: RoomName,
}

fn read(form: &Form) -> Result<(Plan, Newcomer), Refusal> {
    let fields = form.fields();
    // In the order of the page.
    let newcomer = Newcomer::read(fields)?;
    let known = "`open` or `invite`";
    let name = fields.text("server")?;
    let plan = Plan {
        name: Title::parse("server", name)?,
        room: RoomName::parse_new("room", fields.text("room")?)?,
        sign_up: fields
            .maybe_word("sign_up", SignUp::of, known)?
            .unwrap_or(SignUp::Invite),
    };
    Ok((plan, newcomer))
}

/// `POST /first`
pub(super) fn begin(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?.without("invite");
    if !settings(cx)?.is_empty {
        return Ok(Reply::of(see("/")));
    }
    let (plan, newcomer) = match read(&form) {
        Ok(read) => read,
        Err(refusal) => return Ok(form.again(cx, TEMPLATE, Value::UNDEFINED, &refusal)),
    };
    let wish = Wish::browser();
    Ok(enter(cx, newcomer, wish, move |cx, made| match made {
        Ok(made) => furnish(cx, plan, made),
        Err(refusal) => form.again(cx, TEMPLATE, Value::UNDEFINED, &refusal),
    }))
}

/// Makes the server what it is to be, one thing after the other. Whatever of it fails can be done
/// later by whoever is the admin now.
fn furnish(cx: &mut Cx<'_, Hall>, plan: Plan, made: Made) -> Reply<Hall> {
    let by = Some(made.user());
    let code = match Secret::fresh(SecretKind::Invite) {
        Ok(code) => code,
        Err(refusal) => return super::settled(cx, Err(refusal)),
    };
    let room = plan.room.clone();
    let operations = [
        Operation::Set {
            setting: Setting::Name(plan.name),
        },
        Operation::Set {
            setting: Setting::SignUp(plan.sign_up),
        },
        Operation::CreateRoom {
            room: room.clone(),
            title: None,
            topic: None,
            kind: Kind::Public,
        },
        Operation::CreateInvite {
            hash: code.hash,
            room: Some(room.clone()),
            uses: INVITE_USES,
            expires_at: None,
        },
    ];
    let done = move |cx: &mut Cx<'_, Hall>, done: Result<(), Refusal>| match done {
        Ok(()) => {
            let mut to = "/welcome?room=".to_owned();
            push_encoded(&mut to, &room);
            let cookie = SetCookie::new(INVITE_COOKIE, &code.text)
                .path("/welcome")
                .max_age_s(INVITE_COOKIE_S);
            let page = tokens::set(see(&to), &tokens::as_safe_as_asked(cx, cookie));
            Reply::of(made.keep(cx, page))
        }
        Err(refusal) => {
            log::warn!("the first run stopped on its way: {refusal}");
            Reply::of(made.keep(cx, see("/")))
        }
    };
    each(cx, by, operations.into_iter(), Box::new(done))
}

/// What comes when all is done, or something was refused.
type Then = Box<dyn FnOnce(&mut Cx<'_, Hall>, Result<(), Refusal>) -> Reply<Hall>>;

fn each(
    cx: &mut Cx<'_, Hall>,
    by: Option<UserId>,
    mut operations: impl Iterator<Item = Operation> + 'static,
    then: Then,
) -> Reply<Hall> {
    let Some(operation) = operations.next() else {
        return then(cx, Ok(()));
    };
    wanted(cx, by, None, operation).then(
        move |cx: &mut Cx<'_, Hall>, done: Result<Done, Refusal>| match done {
            Ok(_) => each(cx, by, operations, then),
            Err(refusal) => then(cx, Err(refusal)),
        },
    )
}

/// `GET /welcome`: the link to share.
pub(super) fn welcome(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = super::identity(cx)?;
    let code = cx.request.cookie(INVITE_COOKIE).map(str::to_owned);
    let room = cx.request.query("room").unwrap_or_default();
    let Ok(room) = RoomName::parse("room", &room) else {
        return Ok(Reply::of(see("/")));
    };
    let Some(code) = code else {
        return Ok(Reply::of(see("/")));
    };
    let server = settings(cx)?.name;
    let page = context! {
        server,
        name => me.display_name.as_str(),
        room => room.as_str(),
        room_path => path_of(&room),
        link => address(cx, &format!("/invite/{code}")),
    };
    Ok(super::render(cx, "welcome.html", page))
}
