//! All cases on one platform.

use std::time::Duration;

use anyhow::{Context, Result};
use refund_simulator::{Recorded, Simulator};

use crate::answer::{Answer, Hello};
use crate::carried::carried;
use crate::case::{Case, Step};
use crate::compare::{is_request, lacking, other_requests, shown};
use crate::names::Names;
use crate::runner::{Call, Runner};
use crate::stage::{Front, order};
use crate::{Platform, Terms};

/// How long requests are waited for that should not come.
const LATE: Duration = Duration::from_millis(500);

/// What one platform made of the cases.
#[derive(Debug)]
pub struct Column {
    /// The platform, as it was named.
    pub name: String,
    /// What its runner said first; none when it did not come so far.
    pub hello: Option<Hello>,
    /// One for each case, in their order.
    pub verdicts: Vec<Verdict>,
    /// What is wrong with the platform whatever the case.
    pub problems: Vec<String>,
}

/// What went wrong in a case; nothing in one that holds.
#[derive(Clone, Debug, Default)]
pub struct Verdict(pub Vec<String>);

impl Verdict {
    /// Whether the platform keeps the promise.
    pub fn is_ok(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tries all cases. An error is the judge's own; what a platform does wrong is in the column.
pub(crate) async fn try_all(cases: &[Case], platform: &Platform, terms: &Terms) -> Result<Column> {
    let front = Front::open().await?;
    let name = platform.name.clone();
    let mut runner = match Runner::start(platform, &front.base_url(), terms).await {
        Ok(runner) => runner,
        Err(error) => {
            let not_tried = Verdict(vec!["the runner did not start".to_owned()]);
            let verdicts = vec![not_tried; cases.len()];
            return Ok(Column {
                name,
                hello: None,
                verdicts,
                problems: vec![format!("{error:#}")],
            });
        }
    };
    let (mut verdicts, mut last) = (Vec::new(), None);
    for case in cases {
        let stripe = front.fresh().await?;
        verdicts.push(Scene::new(&mut runner, &stripe).play(case).await);
        last = Some(stripe);
    }
    let hello = Some(runner.hello().clone());
    let mut problems = Vec::new();
    if let Some(stripe) = last {
        problems.extend(late(&stripe).await);
    }
    if runner.end().await {
        problems.push("a key was on the runner's stderr".to_owned());
    }
    Ok(Column { name, hello, verdicts, problems })
}

/// What comes after the last answer of a case is seen at the beginning of the next one; the last has no next one.
async fn late(stripe: &Simulator) -> Option<String> {
    let before = stripe.requests().len();
    tokio::time::sleep(LATE).await;
    let late = shortly(&stripe.requests().split_off(before));
    (!late.is_empty()).then(|| format!("requests came after the last answer of all: {late:?}"))
}

/// One case on one platform.
struct Scene<'a> {
    runner: &'a mut Runner,
    stripe: &'a Simulator,
    names: Names,
    /// Requests that belong to the steps so far.
    seen: usize,
}

impl<'a> Scene<'a> {
    fn new(runner: &'a mut Runner, stripe: &'a Simulator) -> Self {
        Self { runner, stripe, names: Names::default(), seen: 0 }
    }

    /// What is at Stripe counts in the end, also when a step went wrong.
    async fn play(mut self, case: &Case) -> Verdict {
        let mut problems =
            self.steps(case).await.unwrap_or_else(|error| vec![format!("{error:#}")]);
        problems.extend(self.end(case).unwrap_or_else(|error| vec![format!("{error:#}")]));
        Verdict(problems)
    }

    /// Goes on until something is wrong.
    async fn steps(&mut self, case: &Case) -> Result<Vec<String>> {
        for given in &case.given {
            let body = self.names.fill(&given.body)?;
            let answer = order(self.stripe, &given.path, &body).await?;
            if let Some(name) = &given.name {
                self.names.set(name, answer);
            }
        }
        let late = shortly(&self.new_requests());
        if !late.is_empty() {
            return Ok(vec![format!("requests of the case before came only now: {late:?}")]);
        }
        for (number, step) in case.steps.iter().enumerate() {
            let told = || format!("step {} ({})", number + 1, step.invoke);
            let problems = self.step(step).await.with_context(told)?;
            if !problems.is_empty() {
                return Ok(problems.iter().map(|one| format!("{}: {one}", told())).collect());
            }
        }
        Ok(Vec::new())
    }

    async fn step(&mut self, step: &Step) -> Result<Vec<String>> {
        let input = self.names.fill(&step.input)?;
        let credential = step.credential;
        let answer =
            self.runner.ask(&Call { operation: &step.invoke, input: &input, credential }).await;
        let came = self.new_requests();
        let answer = answer?;
        let mut problems = self.compare(step, &answer)?;
        problems.extend(self.compare_requests(step, &shortly(&came))?);
        problems.extend(carried(&came, input["operation_id"].as_str()));
        let (Answer::Output(said) | Answer::Error(said)) = answer;
        if let Some(name) = &step.name {
            self.names.set(name, said.clone());
        }
        self.names.set("output", said);
        Ok(problems)
    }

    fn compare(&self, step: &Step, answer: &Answer) -> Result<Vec<String>> {
        Ok(match (&step.output, &step.error, answer) {
            (Some(expected), _, Answer::Output(found)) => {
                lacking(&self.names.fill(expected)?, found, "output")
            }
            (_, Some(expected), Answer::Error(found)) => {
                lacking(&self.names.fill(expected)?, found, "error")
            }
            (_, _, Answer::Output(found)) => {
                vec![format!("an error was expected, and an output came: {}", shown(found))]
            }
            (_, _, Answer::Error(found)) => {
                vec![format!("an output was expected, and an error came: {}", shown(found))]
            }
        })
    }

    fn compare_requests(&self, step: &Step, came: &[String]) -> Result<Vec<String>> {
        let fill = |patterns: &[String]| -> Result<Vec<String>> {
            patterns.iter().map(|pattern| self.names.fill_text(pattern)).collect()
        };
        if let Some(expected) = &step.requests {
            return Ok(other_requests(&fill(expected)?, came).into_iter().collect());
        }
        let never = fill(step.never.as_deref().unwrap_or_default())?;
        let wrong = came.iter().filter(|one| never.iter().any(|pattern| is_request(pattern, one)));
        Ok(wrong.map(|one| format!("{one} must never be sent")).collect())
    }

    /// What reached Stripe since this was last asked.
    fn new_requests(&mut self) -> Vec<Recorded> {
        let new = self.stripe.requests().split_off(self.seen);
        self.seen += new.len();
        new
    }

    /// Counts refunds, and looks for requests that came after the answers.
    fn end(&mut self, case: &Case) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        let late = shortly(&self.new_requests());
        if !late.is_empty() {
            problems.push(format!("requests came after the last answer: {late:?}"));
        }
        for (charge, expected) in &case.then.refunds {
            let charge = self.names.fill_text(charge)?;
            let count = self.stripe.refunds_of(&charge).len();
            if count != *expected {
                problems.push(format!("{charge} has {count} refunds, expected {expected}"));
            }
        }
        Ok(problems)
    }
}

/// Method and path of each.
fn shortly(requests: &[Recorded]) -> Vec<String> {
    let one = |request: &Recorded| {
        let path = request.path.split('?').next().unwrap_or_default();
        format!("{} {path}", request.method)
    };
    requests.iter().map(one).collect()
}
