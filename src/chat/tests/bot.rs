//! What the server's bot says.

use super::*;

fn ask(question: &str, answer: &str) -> Operation {
    Operation::BotSay {
        room: room("den"),
        asked: Text::trusted(question),
        text: Text::trusted(answer),
    }
}

fn author(town: &Town, seq: Seq) -> String {
    let sql = "SELECT u.name FROM messages m JOIN users u ON u.id = m.author
               WHERE m.key & 4294967295 = ?";
    town.look(|it| Ok(it.query_row(sql, [seq], |row| row.get(0))?))
}

#[test]
fn the_bot_is_made_once_and_says_what_it_is_asked() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    town.room("ana", "den", &["bo"]);
    for question in ["/ask a", "/ask b"] {
        town.want(Some("bo"), ask(question, "That. @bo")).unwrap();
    }
    assert_eq!(author(&town, 1), "parlour");
    assert_eq!(author(&town, 2), "parlour");
    assert_eq!(
        town.count("SELECT count(*) FROM users WHERE role = 'bot'"),
        1
    );
    // Whoever asks is called by the answer, and the bot is in no room.
    assert_eq!(town.count("SELECT count(*) FROM mentions"), 2);
    assert_eq!(town.count("SELECT members FROM rooms"), 2);
    assert_eq!(
        code(town.want(Some("cy"), ask("/ask c", "x"))),
        Code::NotAMember
    );
}

#[test]
fn a_question_is_answered_once_under_its_key_whatever_the_answer_would_be_by_then() {
    let mut town = Town::new(&["ana"]);
    town.room("ana", "den", &[]);
    let first = town
        .want_once(Some("ana"), Some("k"), ask("/ask a", "one"))
        .unwrap();
    let again = town
        .want_once(Some("ana"), Some("k"), ask("/ask a", "two"))
        .unwrap();
    assert_eq!((&again.answer, again.repeat), (&first.answer, true));
    let other = town.want_once(Some("ana"), Some("k"), ask("/ask b", "one"));
    assert_eq!(code(other), Code::KeyReused);
    assert_eq!(town.count("SELECT count(*) FROM messages"), 1);
}

#[test]
fn who_may_not_speak_has_the_bot_say_nothing() {
    let mut town = Town::new(&["ana", "bo"]);
    town.room("ana", "den", &["bo"]);
    let mute = Operation::MuteFor {
        room: room("den"),
        user: user("bo"),
        ms: 1000,
    };
    town.want(Some("ana"), mute).unwrap();
    assert_eq!(
        code(town.want(Some("bo"), ask("/ask", "x"))),
        Code::Forbidden
    );
    town.at += 1000;
    town.want(Some("bo"), ask("/ask", "x")).unwrap();
}

#[test]
fn nobody_takes_the_bots_name_and_who_has_it_keeps_it() {
    assert!(UserName::parse_new("name", "Parlour").is_err());
    let mut town = Town::new(&["parlour", "parlour-bot"]);
    town.room("parlour", "den", &[]);
    town.want(Some("parlour"), ask("/ask", "x")).unwrap();
    assert_eq!(author(&town, 1), "parlour-bot-3");
    let disable = Operation::Disable {
        user: user("parlour-bot-3"),
        disabled: true,
    };
    town.want(Some("parlour"), disable).unwrap();
    assert_eq!(
        code(town.want(Some("parlour"), ask("/ask", "x"))),
        Code::Forbidden
    );
    let erase = Operation::Erase {
        user: user("parlour-bot-3"),
        messages: true,
    };
    town.want(Some("parlour"), erase).unwrap();
    town.want(Some("parlour"), ask("/ask", "x")).unwrap();
    assert_eq!(author(&town, 2), "parlour-bot-4");
}
