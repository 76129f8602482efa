//! A bot that counts the words of what is said in its rooms, and misses none, whatever ends the server or
//! itself: `PARLOUR_TOKEN=pt_… cargo run --example bot -- http://localhost:8080 bot.state`.
//!
//! Make its account with `parlour user add counter --bot`, its token with `parlour token create counter`,
//! and invite it into a room. The file is where it keeps up to where it has answered.

use std::error::Error;

use parlour::client::{Bot, BotError};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let url = words
        .next()
        .ok_or("say where the server is, such as http://localhost:8080")?;
    let token = std::env::var_os("PARLOUR_TOKEN").and_then(|it| it.into_string().ok());
    let token = token.ok_or("the bot's token has to be in PARLOUR_TOKEN")?;
    let mut bot = Bot::new(&url, &token);
    if let Some(file) = words.next() {
        bot = bot.remember(file);
    }
    bot.run(|bot, message| {
        let count = message.text.split_whitespace().count();
        match bot.reply(&message, &format!("{count} words")) {
            // Somebody has shut the door meanwhile, or its mouth.
            Err(BotError::Refused { .. }) => Ok(()),
            answered => answered.map(drop),
        }
    })?;
    Ok(())
}
