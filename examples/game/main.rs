//! A board on which everybody moves: positions twenty times a second, over the game protocol.
//!
//! `cargo run --example game -- --listen 127.0.0.1:8080`, then open it in two windows and use the
//! arrow keys, or touch the board. Players hold a direction; the server moves them, and tells everybody
//! the whole board in one push of a few bytes a player, which is written once however many there are.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use parlour::cli::Program;
use parlour::http::Response;
use parlour::web::nano::{
    Component, Encode, Failure, Group, Handlers, Json, Nano, Play, SessionId,
};
use parlour::web::{App, Asset, Cx, Tick};
use serde::Deserialize;
use serde_json::{Value, json};

/// How often everybody is told where all are.
const FRAME: Duration = Duration::from_millis(50);
/// The board's size, and how far a player gets in a frame.
const WIDTH: u16 = 960;
const HEIGHT: u16 = 600;
const STEP: i32 = 8;
/// Players on the board: more would not find room there.
const PLAYERS_MAX: usize = 1000;
/// Coins that lie about.
const COINS: usize = 6;
/// What the page consists of.
const FILES: &[Asset] = parlour::assets!("page": ["game.css", "game.js", "nano.js"]);
/// How near one has to come to a coin.
const REACH: u16 = 24;

/// Who is on the board, and where.
#[derive(Clone, Copy, Debug, Default)]
struct Player {
    x: u16,
    y: u16,
    /// Where they are heading: -1, 0 or 1 each way.
    dx: i8,
    dy: i8,
    coins: u16,
}

/// The board.
#[derive(Debug)]
struct Board {
    players: BTreeMap<SessionId, Player>,
    coins: Vec<(u16, u16)>,
    /// A coin's place is drawn from here.
    drawn: u64,
    frame: u32,
}

impl Board {
    fn new() -> Self {
        let mut board = Self {
            players: BTreeMap::new(),
            coins: Vec::new(),
            drawn: 1,
            frame: 0,
        };
        board.coins = (0..COINS).map(|_| board.place()).collect();
        board
    }

    /// Somewhere on the board.
    fn place(&mut self) -> (u16, u16) {
        let mut draw = |below: u16| {
            // A linear congruence: no secrets are drawn here.
            self.drawn = self
                .drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            REACH + (self.drawn >> 33) as u16 % (below - 2 * REACH)
        };
        (draw(WIDTH), draw(HEIGHT))
    }

    /// Everybody moves by one step. Who has taken a coin.
    fn step(&mut self) -> Vec<SessionId> {
        self.frame = self.frame.wrapping_add(1);
        let along = |at: u16, by: i8, end: u16| {
            (i32::from(at) + i32::from(by) * STEP).clamp(0, i32::from(end)) as u16
        };
        let mut takers = Vec::new();
        for (id, player) in &mut self.players {
            player.x = along(player.x, player.dx, WIDTH);
            player.y = along(player.y, player.dy, HEIGHT);
            let near = |coin: &(u16, u16)| {
                coin.0.abs_diff(player.x) < REACH && coin.1.abs_diff(player.y) < REACH
            };
            if let Some(taken) = self.coins.iter().position(near) {
                self.coins.swap_remove(taken);
                player.coins = player.coins.saturating_add(1);
                takers.push(*id);
            }
        }
        while self.coins.len() < COINS {
            let place = self.place();
            self.coins.push(place);
        }
        takers
    }

    fn coins(&self) -> Value {
        json!({ "coins": self.coins })
    }
}

/// The board in bytes: a frame's number, then for each player a number and a place.
impl Encode for Board {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(&self.frame.to_be_bytes());
        for (id, player) in &self.players {
            out.extend_from_slice(&(id.0 as u32).to_be_bytes());
            for place in [player.x, player.y, player.coins] {
                out.extend_from_slice(&place.to_be_bytes());
            }
        }
        Ok(())
    }
}

/// What holds a direction.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Heading {
    x: i8,
    y: i8,
}

struct Game {
    everybody: Group,
}

impl Component<Board> for Game {
    fn handlers(handlers: &mut Handlers<Self, Board>) {
        handlers.on("Join", Self::join).on("Head", Self::head);
    }

    fn init(&mut self, tick: &mut Tick<'_, Board>) {
        let everybody = Group::new("everybody");
        tick.house.every(FRAME, move |tick| {
            if tick.state.players.is_empty() {
                return;
            }
            let taken = tick.state.step();
            // Who cannot be told is told at the next frame, or has gone.
            let _ = everybody.broadcast(&mut tick.house, "onFrame", tick.state);
            if !taken.is_empty() {
                let coins = tick.state.coins();
                let _ = everybody.broadcast(&mut tick.house, "onCoins", &coins);
            }
        });
    }

    fn closed(&mut self, play: &mut Play<'_, Board>) {
        play.state.players.remove(&play.id);
    }
}

impl Game {
    fn join(&mut self, play: &mut Play<'_, Board>, _: Vec<u8>) -> Result<(), Failure> {
        if play.state.players.len() >= PLAYERS_MAX {
            return Err(Failure::new(503, "the board is full"));
        }
        self.everybody.add(&mut play.house, play.id)?;
        let (x, y) = play.state.place();
        let player = Player {
            x,
            y,
            ..Player::default()
        };
        play.state.players.insert(play.id, player);
        let coins = play.state.coins();
        let answer = json!({ "code": 0, "you": play.id.0, "width": WIDTH, "height": HEIGHT });
        let mut session = play.session();
        session.response(&answer)?;
        Ok(session.push("onCoins", &coins)?)
    }

    fn head(&mut self, play: &mut Play<'_, Board>, to: Json<Heading>) -> Result<(), Failure> {
        let player = play.state.players.get_mut(&play.id);
        let player = player.ok_or("join the board before you move")?;
        (player.dx, player.dy) = (to.0.x.signum(), to.0.y.signum());
        Ok(())
    }
}

fn app() -> App<Board> {
    let everybody = Group::new("everybody");
    let nano = Nano::new()
        .component("game", Game { everybody })
        .lower_case()
        .dictionary([("game.head", 1), ("onFrame", 2), ("onCoins", 3)]);
    App::new(Board::new())
        .nano("/nano", nano)
        .get("/", |_: &mut Cx<'_, Board>| {
            Response::html(include_str!("page/index.html"))
        })
        .embedded("/", FILES)
}

fn main() -> ExitCode {
    Program::new("game", "a board on which everybody moves")
        .option(
            "nano-tcp ADDR",
            "",
            "Serve the game there straight over TCP, too",
        )
        .run(|args| {
            let tcp = args.option("nano-tcp").to_owned();
            if !tcp.is_empty() {
                args.listen_also(format!("tcp:{tcp}").parse()?);
            }
            Ok::<_, String>(app())
        })
}
