//! # Weibo: short posts for everybody, and comments on them
//!
//! Everybody reads, who is signed in writes, and only who wrote something deletes it.

use parlour::http::Response;
use parlour::store::rusqlite::types::ToSql;
use parlour::store::rusqlite::{self, Connection, Row};
use parlour::store::{Model, Order, Page, StoreError};
use parlour::web::{
    Cx, Error, Handler, Reply, Routes, Serde, Wait, context, flash, login_required,
    same_user_required,
};
use serde::Serialize;

use crate::Site;
use crate::form::Form;
use crate::user::{User, refuse_unless_good, signed_in};
use crate::when::When;

const POST_LETTERS_MAX: usize = 280;
const COMMENT_LETTERS_MAX: usize = 280;
const POSTS_ON_A_PAGE: u64 = 10;
/// The newest comments of a post that its page shows.
const COMMENTS_ON_A_PAGE: u64 = 200;

const FIELDS: [&str; 1] = ["text"];

pub(crate) struct Post {
    id: i64,
    author: String,
    text: String,
    written_ms: i64,
}

impl Model for Post {
    const TABLE: &'static str = "posts";
    const COLUMNS: &'static [&'static str] = &["author", "text", "written_ms"];

    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get("id")?,
            author: row.get("author")?,
            text: row.get("text")?,
            written_ms: row.get("written_ms")?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        vec![&self.author, &self.text, &self.written_ms]
    }
}

pub(crate) struct Comment {
    id: i64,
    post: i64,
    author: String,
    text: String,
    written_ms: i64,
}

impl Model for Comment {
    const TABLE: &'static str = "comments";
    const COLUMNS: &'static [&'static str] = &["post", "author", "text", "written_ms"];

    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get("id")?,
            post: row.get("post")?,
            author: row.get("author")?,
            text: row.get("text")?,
            written_ms: row.get("written_ms")?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        vec![&self.post, &self.author, &self.text, &self.written_ms]
    }
}

pub(crate) fn routes() -> Routes<Site> {
    Routes::new()
        .get("/", index)
        .named("index")
        .post("/", login_required(write))
        .get("/{id}", post)
        .named("post")
        .post("/{id}", login_required(comment))
        .get("/{id}/delete", author_only(confirm))
        .named("delete")
        .post("/{id}/delete", author_only(delete))
        .get("/comments/{id}/delete", commenter_only(confirm_comment))
        .named("delete_comment")
        .post("/comments/{id}/delete", commenter_only(delete_comment))
}

fn author_only(inner: impl Handler<Site>) -> impl Handler<Site> {
    let author = |cx: &mut Cx<'_, Site>| Ok(asked::<Post>(cx)?.author);
    login_required(same_user_required(author, inner))
}

fn commenter_only(inner: impl Handler<Site>) -> impl Handler<Site> {
    let author = |cx: &mut Cx<'_, Site>| Ok(asked::<Comment>(cx)?.author);
    login_required(same_user_required(author, inner))
}

/// The row that the path names.
fn asked<M: Model>(cx: &Cx<'_, Site>) -> Result<M, Error> {
    let id: i64 = cx.request.param("id")?;
    Ok(cx.state.reader.query(|it| M::find(it, id))?)
}

// ---- what pages show --------------------------------------------------------------------------

/// A post or a comment on a page.
#[derive(Serialize)]
struct Shown {
    id: i64,
    author: String,
    shown_as: String,
    text: String,
    at: When,
    comments: u64,
    is_mine: bool,
}

/// Who looks, and when.
struct Looker {
    name: Option<String>,
    now_ms: u64,
}

impl Looker {
    fn of(cx: &Cx<'_, Site>) -> Self {
        Self {
            name: cx.user().map(str::to_owned),
            now_ms: cx.house.now().unix_ms,
        }
    }

    fn post(&self, post: Post, it: &Connection) -> Result<Shown, StoreError> {
        let comments = Comment::select().matching("post", post.id).count(it)?;
        let Post {
            id,
            author,
            text,
            written_ms,
        } = post;
        self.shown(it, id, author, text, written_ms, comments)
    }

    fn comment(&self, comment: Comment, it: &Connection) -> Result<Shown, StoreError> {
        let Comment {
            id,
            author,
            text,
            written_ms,
            ..
        } = comment;
        self.shown(it, id, author, text, written_ms, 0)
    }

    /// The name is looked up for each: with the database in the same process that costs less than
    /// a clever query would.
    fn shown(
        &self,
        it: &Connection,
        id: i64,
        author: String,
        text: String,
        written_ms: i64,
        comments: u64,
    ) -> Result<Shown, StoreError> {
        let user = User::first_by(it, "name", &author)?;
        Ok(Shown {
            id,
            shown_as: user.map_or_else(|| author.clone(), |user| user.shown_as),
            text,
            at: When::new(written_ms, self.now_ms),
            comments,
            is_mine: self.name.as_deref() == Some(&author),
            author,
        })
    }
}

// ---- posts ------------------------------------------------------------------------------------

fn index(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    show_index(cx, &Form::empty(&FIELDS))
}

fn show_index(cx: &mut Cx<'_, Site>, form: &Form) -> Result<Response, Error> {
    let number = cx.request.query("page");
    let number = number.and_then(|it| it.parse().ok()).unwrap_or(1);
    let looker = Looker::of(cx);
    let (posts, listing) = cx.state.reader.query(|it| {
        let newest_first = Post::select().order(Order::desc("id"));
        let mut listing = newest_first.page(it, Page::new(number, POSTS_ON_A_PAGE))?;
        let posts = listing.rows.drain(..).map(|post| looker.post(post, it));
        Ok((posts.collect::<Result<Vec<_>, _>>()?, listing))
    })?;
    if posts.is_empty() && number > 1 {
        return Err(Error::not_found());
    }
    let page = context! {
        posts => Serde(&posts),
        form => Serde(form),
        number => listing.page.number(),
        pages => listing.pages().max(1),
    };
    Ok(refuse_unless_good(
        cx.render("weibo/index.html", page)?,
        form,
    ))
}

fn write(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let mut form = Form::sent(cx.request, &FIELDS)?;
    let post = Post {
        id: 0,
        author: signed_in(cx)?,
        text: form.required("text", POST_LETTERS_MAX),
        written_ms: cx.house.now().unix_ms.cast_signed(),
    };
    if !form.is_good() {
        return show_index(cx, &form).map(Reply::of);
    }
    let stored = Wait::stored(&cx.state.database, move |it| post.insert(it));
    Ok(stored.then(|cx, stored| {
        stored?;
        to_index(cx, "Your post is out.")
    }))
}

fn confirm(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    let post: Post = asked(cx)?;
    let page = context! {
        question => "Delete this post and all its comments?",
        text => post.text,
        back => cx.url_for("weibo.post", &[("id", &post.id.to_string())])?,
    };
    cx.render("confirm.html", page)
}

fn delete(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let id: i64 = cx.request.param("id")?;
    let stored = Wait::stored(&cx.state.database, move |it| Post::delete(it, id));
    Ok(stored.then(|cx, stored| {
        stored?;
        to_index(cx, "Your post is deleted.")
    }))
}

fn to_index(cx: &mut Cx<'_, Site>, tell: &str) -> Result<Response, Error> {
    flash(cx, tell);
    Ok(Response::redirect(&cx.url_for("weibo.index", &[])?))
}

// ---- comments ---------------------------------------------------------------------------------

fn post(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    show_post(cx, &Form::empty(&FIELDS))
}

fn show_post(cx: &mut Cx<'_, Site>, form: &Form) -> Result<Response, Error> {
    let id: i64 = cx.request.param("id")?;
    let looker = Looker::of(cx);
    let (post, comments) = cx.state.reader.query(|it| {
        let post = looker.post(Post::find(it, id)?, it)?;
        let newest_first = Comment::select()
            .matching("post", id)
            .order(Order::desc("id"));
        let newest = newest_first.page(it, Page::new(1, COMMENTS_ON_A_PAGE))?;
        let in_order = newest.rows.into_iter().rev();
        let comments = in_order.map(|comment| looker.comment(comment, it));
        Ok((post, comments.collect::<Result<Vec<_>, _>>()?))
    })?;
    let page = context! {
        post => Serde(&post),
        comments => Serde(&comments),
        form => Serde(form),
    };
    Ok(refuse_unless_good(
        cx.render("weibo/post.html", page)?,
        form,
    ))
}

fn comment(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let post = asked::<Post>(cx)?.id;
    let mut form = Form::sent(cx.request, &FIELDS)?;
    let comment = Comment {
        id: 0,
        post,
        author: signed_in(cx)?,
        text: form.required("text", COMMENT_LETTERS_MAX),
        written_ms: cx.house.now().unix_ms.cast_signed(),
    };
    if !form.is_good() {
        return show_post(cx, &form).map(Reply::of);
    }
    let stored = Wait::stored(&cx.state.database, move |it| comment.insert(it));
    Ok(stored.then(move |cx, stored| match stored {
        Ok(_) => to_post(cx, post, "Your comment is there."),
        // The post was deleted while somebody wrote about it.
        Err(error) if error.is_foreign_key() => Err(Error::not_found()),
        Err(error) => Err(error.into()),
    }))
}

fn confirm_comment(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    let comment: Comment = asked(cx)?;
    let page = context! {
        question => "Delete this comment?",
        text => comment.text,
        back => cx.url_for("weibo.post", &[("id", &comment.post.to_string())])?,
    };
    cx.render("confirm.html", page)
}

fn delete_comment(cx: &mut Cx<'_, Site>) -> Result<Reply<Site>, Error> {
    let comment: Comment = asked(cx)?;
    let stored = Wait::stored(&cx.state.database, move |it| {
        Comment::delete(it, comment.id)
    });
    Ok(stored.then(move |cx, stored| {
        stored?;
        to_post(cx, comment.post, "Your comment is deleted.")
    }))
}

fn to_post(cx: &mut Cx<'_, Site>, post: i64, tell: &str) -> Result<Response, Error> {
    flash(cx, tell);
    let path = cx.url_for("weibo.post", &[("id", &post.to_string())])?;
    Ok(Response::redirect(&path))
}
