//! Searches every interleaving within the bounds: `refund-model [short] [NAME]`.

use std::process::ExitCode;

use refund_model::bounds::Bounds;
use refund_model::report::search;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut names = arguments.iter().map(String::as_str).peekable();
    let mut bounds =
        if names.next_if_eq(&"short").is_some() { Bounds::short() } else { Bounds::long() };
    if let Some(name) = names.next() {
        bounds.retain(|one| one.name == name);
    }
    match search(bounds, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}
