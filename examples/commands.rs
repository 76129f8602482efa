//! A Parlour with commands of its own: `/roll`, answered by the server's bot, `/shout`, for who keeps
//! order, and `/notice`, which reads a file off the loop.
//!
//! `cargo run --example commands -- --listen 127.0.0.1:8080 --notice notice.txt`, then open
//! <http://127.0.0.1:8080/>. What is said is kept in `commands-data/`.

use std::error::Error;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use parlour::chat;
use parlour::cli::{Args, Program};
use parlour::site::{self, Asked, Choices, Command, Commands, Hall, Reply, Who};
use parlour::store::Durability;
use parlour::web::App;

fn roll(asked: &Asked) -> Reply {
    let sides = match asked.rest() {
        "" => Ok(6),
        sides => sides.parse(),
    };
    match sides {
        Ok(sides @ 2..=1000) => {
            let rolled = 1 + asked.draw(sides);
            Reply::bot(format!("{} rolls {rolled} of {sides}.", asked.user()))
        }
        _ => Reply::wrong("Say how many sides it has, from 2 to 1000: /roll 20"),
    }
}

fn shout(asked: &Asked) -> Reply {
    match asked.rest() {
        "" => Reply::wrong("Say what to shout: /shout TEXT"),
        text => Reply::say(text.to_uppercase()),
    }
}

/// Reads the file whenever somebody asks.
fn notice(path: String) -> impl Fn(&Asked) -> Reply {
    move |_| {
        let path = path.clone();
        Reply::later(move || {
            let text = fs::read_to_string(path).unwrap_or_default();
            match text.trim() {
                "" => Reply::private("There is no notice today."),
                text => Reply::private(text),
            }
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program knows when it was started"
)]
fn app(args: &Args) -> Result<App<Hall>, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let seed = RandomState::new().hash_one(now);
    // A name for the database, if there is none yet.
    let epoch = format!("{seed:016x}");
    let database = chat::open(args.data(), Durability::Full, &epoch, now)?;
    let commands = Commands::new()
        .add(Command::new("roll", "Roll a die", roll).usage("[SIDES]"))
        .add(
            Command::new("shout", "Say it loudly", shout)
                .usage("TEXT")
                .who(Who::Moderators),
        )
        .add(Command::new(
            "notice",
            "Read today's notice",
            notice(args.option("notice").to_owned()),
        ));
    let choices = Choices {
        commands,
        ..Choices::default()
    };
    Ok(site::app(Hall::open(database, seed)?, choices))
}

fn main() -> ExitCode {
    Program::new("commands", "a chat with commands of its own")
        .keeps_data("commands-data")
        .option("notice FILE", "", "What /notice tells")
        .run(|args| app(args))
}
