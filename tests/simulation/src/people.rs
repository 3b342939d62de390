//! The people of a shop, and how their names are typed.

use refund_ledger::UserName;

/// Somebody, by their place in [`NAMES`].
pub(crate) type Person = usize;

const NAMES: [&str; 5] = ["ann", "bob", "cat", "dan", "eve"];

/// How many people there are.
pub(crate) const PEOPLE: usize = NAMES.len();

/// A person's name as somebody may type it.
pub(crate) fn typed(person: Person, spelling: u8) -> String {
    let name = NAMES[person % PEOPLE];
    match spelling % 4 {
        0 => name.to_owned(),
        1 => name.to_uppercase(),
        2 => format!(" {name} "),
        _ => {
            let (first, rest) = name.split_at(1);
            format!("{}{rest}\t", first.to_uppercase())
        }
    }
}

/// The person that a name in the ledger means. By this module alone: the product must not decide who is who.
pub(crate) fn person(name: &UserName) -> Option<Person> {
    let plain = name.as_str().trim().to_lowercase();
    NAMES.iter().position(|known| *known == plain)
}
