//! Messages that nobody understood when they came, read once more at every attempt: after an upgrade, or an edit of the
//! configuration, a replay hands in what they say, each under the identity that it would have had, and they are done.
//!
//! What was handed in before, because its sender mended it and sent it again, is recognised as any copy is.

use crate::config::Config;
use crate::flows::Done;
use crate::message::{Body, Envelope, Unreadable};
use crate::translation::anew;

/// What is known today of a message that nobody understood.
pub(super) enum Today {
    /// What it says is handed in.
    Understood(Done),
    /// Nobody understands it still, for today's reason.
    Unreadable(Box<Envelope>),
}

/// Reads it once more; nothing for a message that was understood when it came.
pub(super) fn today(config: &Config, message: &Envelope) -> Option<Today> {
    let before = message.unreadable()?;
    let problem = match anew(config, message) {
        Ok(messages) => match messages.iter().find_map(Envelope::unreadable) {
            None => return Some(Today::Understood(done(messages))),
            Some(unreadable) => unreadable.problem.clone(),
        },
        Err(why) => format!("{}. {why}", before.problem),
    };
    let body = Body::Unreadable(Unreadable { problem, ..before.clone() });
    Some(Today::Unreadable(Box::new(Envelope { body, ..message.clone() })))
}

fn done(messages: Vec<Envelope>) -> Done {
    let step = |message: &Envelope| {
        let Envelope { message_id, ordering_key, .. } = message;
        let what = format!(
            "Translated anew: it is {} of {ordering_key}, and handed in as message {message_id}.",
            message.kind()
        );
        ("drayline".to_owned(), what)
    };
    Done { steps: messages.iter().map(step).collect(), translated: messages, ..Done::default() }
}
