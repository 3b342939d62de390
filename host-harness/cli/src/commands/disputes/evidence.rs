//! Evidence as it is typed: texts, texts in files, files to upload.

use std::collections::BTreeMap;
use std::path::Path;

use refund_core::disputes::{Evidence, EvidenceField, EvidenceFile, MAX_FILE};
use refund_core::problem::{FieldProblem, Problems};

use crate::args::EvidenceArgs;
use crate::context::Context;
use crate::exit::Exit;

/// Stands for the id of a file that is not uploaded yet.
const NOT_YET: &str = "file_0";

/// Evidence that was read and checked; nothing of it was sent.
pub(super) struct Given {
    texts: BTreeMap<String, String>,
    files: Vec<File>,
}

struct File {
    field: String,
    name: String,
    content: Vec<u8>,
}

impl Given {
    /// Reads and checks everything before anything is sent: all problems at once.
    pub(super) fn read(args: &EvidenceArgs) -> anyhow::Result<Self> {
        let mut problems = Problems::default();
        let texts = args.fields.iter().map(|typed| text(typed));
        let texts: Vec<_> = texts.filter_map(|read| problems.keep(read)).collect();
        let files = args.files.iter().map(|typed| file(typed));
        let files: Vec<File> = files.filter_map(|read| problems.keep_all(read)).collect();
        let ids = files.iter().map(|file| (file.field.clone(), NOT_YET.to_owned()));
        problems.keep_all(Evidence::parse(texts.iter().cloned().chain(ids)));
        problems.into_result().map_err(|found| {
            let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
            Exit::bad_input(lines.join("\n       "))
        })?;
        Ok(Self { texts: texts.into_iter().collect(), files })
    }

    /// Uploads the files: the evidence with their ids in it. An upload that is never used does no harm.
    pub(super) async fn upload(
        &self,
        context: &Context,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let mut evidence = self.texts.clone();
        for file in &self.files {
            let uploaded = context.component.upload_file(&file.name, &file.content).await;
            evidence.insert(file.field.clone(), Exit::of_change(uploaded)?.id.to_string());
        }
        Ok(evidence)
    }

    /// What is staged, with this in its place; files by their names.
    pub(super) fn over(&self, staged: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = staged.clone();
        all.extend(self.texts.clone());
        all.extend(self.files.iter().map(|file| {
            (file.field.clone(), format!("{} ({} bytes)", file.name, file.content.len()))
        }));
        all.retain(|_, value| !value.is_empty());
        all
    }
}

fn split<'a>(
    what: &str,
    typed: &'a str,
    example: &str,
) -> Result<(&'a str, &'a str), FieldProblem> {
    typed.split_once('=').ok_or_else(|| {
        FieldProblem::new(what, typed, "has no =", format!("write it like {example}"))
    })
}

/// `FIELD=TEXT`, or `FIELD=@FILE`.
fn text(typed: &str) -> Result<(String, String), FieldProblem> {
    let (field, value) = split("evidence", typed, "customer_name='Ann Lee'")?;
    let Some(path) = value.strip_prefix('@') else {
        return Ok((field.to_owned(), value.to_owned()));
    };
    let problem = |problem: String, fix: &str| {
        FieldProblem::new(format!("evidence.{field}"), path, problem, fix)
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        problem(format!("cannot be read: {error}"), "give a file of text, in UTF-8")
    })?;
    // Cleared by an empty file: nobody would mean that.
    if text.trim().is_empty() {
        return Err(problem(
            "is empty".to_owned(),
            "to clear the field, write nothing after the =",
        ));
    }
    Ok((field.to_owned(), text.trim_end().to_owned()))
}

/// `FIELD=PATH`.
fn file(typed: &str) -> Result<File, Vec<FieldProblem>> {
    let (field, path) =
        split("file", typed, "receipt=receipt.pdf").map_err(|problem| vec![problem])?;
    let problem = |problem: String, fix: &str| {
        vec![FieldProblem::new(format!("file {field}"), path, problem, fix)]
    };
    if let Some(EvidenceField::Text(_)) = EvidenceField::parse(field) {
        let fix = format!("write {field}=@FILE to read its text from a file");
        return Err(problem("is for a field that holds text".to_owned(), &fix));
    }
    let unreadable = |error: std::io::Error| {
        problem(format!("cannot be read: {error}"), "give a PDF, JPEG or PNG file")
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    // Before it is read: it may be anything.
    if size > MAX_FILE as u64 {
        let fix = "compress the file, or split it";
        return Err(problem(format!("has {size} bytes, more than {MAX_FILE}"), fix));
    }
    let content = std::fs::read(path).map_err(unreadable)?;
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let named = |found: FieldProblem| {
        let at = format!("file {field}: {}", found.field);
        found.at(at)
    };
    EvidenceFile::new(&name, &content)
        .map_err(|found| found.into_iter().map(named).collect::<Vec<_>>())?;
    Ok(File { field: field.to_owned(), name, content })
}
