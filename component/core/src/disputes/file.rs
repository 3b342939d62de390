//! Files of evidence: what Stripe takes as one.

use crate::problem::{FieldProblem, Problems};

/// Largest file: the 5 MB of Stripe's file upload guide, read as 5 × 1024 × 1024 bytes.
pub const MAX_FILE: usize = 5 << 20;
/// Longest name, in bytes.
const MAX_NAME: usize = 255;

/// The kinds that Stripe takes as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A document.
    Pdf,
    /// A photograph.
    Jpeg,
    /// A picture.
    Png,
}

impl FileKind {
    const ALL: [Self; 3] = [Self::Pdf, Self::Jpeg, Self::Png];

    /// Tells by how it begins: a name proves nothing.
    pub fn of(content: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| content.starts_with(kind.beginning()))
    }

    fn beginning(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"%PDF-",
            Self::Jpeg => b"\xff\xd8\xff",
            Self::Png => b"\x89PNG\r\n\x1a\n",
        }
    }

    /// The MIME type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &[".pdf"],
            Self::Jpeg => &[".jpg", ".jpeg"],
            Self::Png => &[".png"],
        }
    }
}

/// A file of evidence, checked: name, size and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceFile<'a> {
    name: &'a str,
    kind: FileKind,
    content: &'a [u8],
}

impl<'a> EvidenceFile<'a> {
    /// Checks a file; all problems at once.
    pub fn new(name: &'a str, content: &'a [u8]) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        problems.keep(check_name(name));
        problems.keep(check_size(content.len()));
        let kind = FileKind::of(content);
        if let Some(kind) = kind {
            problems.keep(check_ending(name, kind));
        } else if !content.is_empty() {
            problems.push(FieldProblem::new(
                "content",
                "",
                "is neither PDF nor JPEG nor PNG, by how it begins",
                "convert it to one of the three",
            ));
        }
        problems.into_result()?;
        // The kind is there: otherwise its problem, or that of an empty file, was returned above.
        let kind = kind.ok_or_else(|| vec![FieldProblem::missing("content", "give a file")])?;
        Ok(Self { name, kind, content })
    }

    /// Its name, fit for a header.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What it is.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Its bytes.
    pub fn content(&self) -> &'a [u8] {
        self.content
    }
}

fn check_size(size: usize) -> Result<(), FieldProblem> {
    match size {
        0 => Err(FieldProblem::missing("content", "give a PDF, JPEG or PNG file")),
        1..=MAX_FILE => Ok(()),
        _ => Err(FieldProblem::new(
            "content",
            size,
            format!("bytes are more than the {MAX_FILE} that Stripe takes"),
            "compress the file, or split it",
        )),
    }
}

/// The name goes into a header of the body, between quotation marks.
fn check_name(name: &str) -> Result<(), FieldProblem> {
    let problem = |problem: &str, fix: &str| Err(FieldProblem::new("name", name, problem, fix));
    if name.trim().is_empty() {
        return problem("is blank", "give the file's name, for example `receipt.pdf`");
    }
    if name.len() > MAX_NAME {
        return problem("is longer than 255 bytes", "shorten it");
    }
    if name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\' | '/')) {
        return problem(
            "contains a control character, a quotation mark or a slash",
            "give the file's name alone, without its folder",
        );
    }
    Ok(())
}

fn check_ending(name: &str, kind: FileKind) -> Result<(), FieldProblem> {
    let lower = name.to_ascii_lowercase();
    if kind.endings().iter().any(|ending| lower.ends_with(ending)) {
        return Ok(());
    }
    Err(FieldProblem::new(
        "name",
        name,
        format!("does not fit the content, which is {}", kind.content_type()),
        format!("let the name end in {}", kind.endings().join(" or ")),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::property;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn fields(name: &str, content: &[u8]) -> Vec<String> {
        let problems = EvidenceFile::new(name, content).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn kinds_are_told_by_their_beginning() {
        for (name, content, kind) in [
            ("a.pdf", &b"%PDF-1.7\n"[..], Some(FileKind::Pdf)),
            ("a.jpg", b"\xff\xd8\xff\xe0", Some(FileKind::Jpeg)),
            ("a.JPEG", b"\xff\xd8\xff\xe1", Some(FileKind::Jpeg)),
            ("a.png", PNG, Some(FileKind::Png)),
            ("a.pdf", b"%PDF", None),
            ("a.png", b"\x89PNG\n\x1a\n", None),
            ("a.gif", b"GIF89a", None),
            ("a.pdf", b"MZ", None),
            ("a.pdf", b" %PDF-1.7", None),
        ] {
            assert_eq!(
                EvidenceFile::new(name, content).ok().map(|file| file.kind()),
                kind,
                "{name}"
            );
        }
    }

    #[test]
    fn the_size_ends_at_5_mib() {
        let mut content = b"%PDF-".to_vec();
        content.resize(MAX_FILE, b'x');
        assert!(fields("a.pdf", &content).is_empty());
        content.push(b'x');
        assert_eq!(fields("a.pdf", &content), ["content"]);
        assert_eq!(fields("a.pdf", b""), ["content"]);
    }

    #[test]
    fn names_fit_a_header_and_the_content() {
        for name in ["receipt.png", "Beleg Müller.PNG", "a'b.png"] {
            assert!(fields(name, PNG).is_empty(), "{name}");
        }
        assert!(fields(&format!("{}.png", "x".repeat(251)), PNG).is_empty());
        assert_eq!(fields(&format!("{}.png", "x".repeat(252)), PNG), ["name"]);
        for name in
            ["a\".png", "a\r\nX: y.png", "../a.png", "c:\\a.png", "a\u{0}.png", "a.pdf", "a"]
        {
            assert_eq!(fields(name, PNG), ["name"], "{name:?}");
        }
        assert_eq!(fields("", b""), ["name", "content"]);
    }

    #[test]
    fn a_name_never_breaks_out_of_its_header() {
        let odd = prop::sample::select(vec![
            "\"", "\\", "/", "\r", "\n", "\r\n", "\0", "\t", "\u{7f}", "\u{85}", "\u{9f}", "'",
            ";", "%22", "\u{201d}", "\u{2215}", "\u{2028}", "\u{ff02}",
        ]);
        let odd = prop_oneof![2 => Just(""), 1 => odd];
        let ends = prop::sample::select(vec![".jpg", ".png\"", ".png\r\n", "", ".png.exe"]);
        let ends = prop_oneof![5 => Just(".png"), 1 => Just(".PNG"), 2 => ends];
        let long = prop_oneof![6 => Just(0), 1 => 225..245_usize];
        let parts = ("[a-zA-Z .éü\u{4e2d}]{0,12}", odd, "[a-z0-9 -]{0,6}", long, ends);
        let names = parts.prop_map(|(before, odd, after, long, end)| {
            format!("{before}{odd}{after}{}{end}", "x".repeat(long))
        });
        let names = prop_oneof![9 => names, 1 => "[ \u{a0}]{0,3}"];
        let branches = ["a name", "breaks out", "too long", "another ending", "blank"];
        property(&names, branches, |name, reached| {
            let breaks_out = name
                .chars()
                .any(|c| matches!(c, '"' | '\\' | '/' | '\0'..='\x1f' | '\x7f'..='\u{9f}'));
            let (is_long, is_blank) = (name.len() > 255, name.trim().is_empty());
            let is_png = name.to_lowercase().ends_with(".png");
            reached.note_if(breaks_out, "breaks out");
            reached.note_if(is_long, "too long");
            reached.note_if(!is_png, "another ending");
            reached.note_if(is_blank, "blank");
            let is_good = !breaks_out && !is_long && !is_blank && is_png;
            reached.note_if(is_good, "a name");
            let file = EvidenceFile::new(&name, PNG);
            prop_assert_eq!(file.is_ok(), is_good, "{:?}", name);
            prop_assert!(file.is_err() || file.is_ok_and(|file| file.name() == name));
            Ok(())
        });
    }
}
