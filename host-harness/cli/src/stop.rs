//! The wish to end.

use std::pin::Pin;

use refund_app::outcome::table::{EXIT_STOPPED, EXIT_UNKNOWN};
use tokio::sync::watch;

use crate::terminal::say;

/// Ends with Ctrl-C, or with the system's polite request to end.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system ends the process anyway.
    let _ = tokio::signal::ctrl_c().await;
}

/// Lets work that may change something at Stripe come to its end: the first wish to end is answered with a word, the second
/// one ends the process, which loses nothing either.
pub(crate) async fn finishing<T>(mut work: Pin<Box<impl Future<Output = T>>>) -> T {
    tokio::select! {
        done = &mut work => return done,
        () = asked_to_stop() => {}
    }
    say(
        "finishing what is under way; Ctrl-C again leaves at once (then a refund may have been made: ask again with the same operation id, which finds out)",
    );
    tokio::select! {
        done = &mut work => done,
        () = asked_to_stop() => std::process::exit(i32::from(EXIT_UNKNOWN)),
    }
}

/// Becomes true with the first Ctrl-C; the second one ends the process, which loses nothing either.
pub(crate) fn interrupt() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        say("finishing what is under way; Ctrl-C again leaves at once (resume settles the rest)");
        let _ = stop.send(true);
        asked_to_stop().await;
        std::process::exit(i32::from(EXIT_STOPPED));
    });
    stopped
}
