//! The wish to end.

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
