//! Typed calls into interfaces that not every component offers: one of another version, or a pipeline.

use wasmtime::component::InstancePre;

use crate::api::{self, billing, credits, disputes, follow_ups, policies, reports, types};
use crate::error::CallFailure;
use crate::node::{Answer, Node, call_once};
use crate::policy::Policy;
use crate::state::State;

/// Where their functions are, as far as the component has them.
pub(crate) struct Offers {
    billing: Option<billing::GuestIndices>,
    credits: Option<credits::GuestIndices>,
    disputes: Option<disputes::GuestIndices>,
    follow_ups: Option<follow_ups::GuestIndices>,
    policies: Option<policies::GuestIndices>,
    reports: Option<reports::GuestIndices>,
}

impl Offers {
    pub(crate) fn new(pre: &InstancePre<State>) -> Self {
        Self {
            billing: billing::GuestIndices::new(pre).ok(),
            credits: credits::GuestIndices::new(pre).ok(),
            disputes: disputes::GuestIndices::new(pre).ok(),
            follow_ups: follow_ups::GuestIndices::new(pre).ok(),
            policies: policies::GuestIndices::new(pre).ok(),
            reports: reports::GuestIndices::new(pre).ok(),
        }
    }
}

/// The functions of an interface, or that there are none.
macro_rules! offered {
    ($node:expr, $interface:ident) => {
        $node
            .faces()
            .offers
            .$interface
            .as_ref()
            .ok_or(CallFailure::Lacks(stringify!($interface)))?
    };
}

impl Node {
    /// The credit that a service level grants for a period.
    pub async fn sla_quote(
        &self,
        request: &credits::SlaRequest,
    ) -> Answer<credits::Quote, Vec<types::FieldProblem>> {
        call_once!(self, offered!(self, credits), call_sla_quote(request))
    }

    /// What to refund when a period ends early.
    pub async fn prorate(
        &self,
        request: &credits::ProrateRequest,
    ) -> Answer<credits::Proration, Vec<types::FieldProblem>> {
        call_once!(self, offered!(self, credits), call_prorate(request))
    }

    /// Reads what was paid for a billed period, by which payments, and what was given back of it.
    pub async fn read_invoice(
        &self,
        connection: &types::Connection,
        request: &billing::InvoiceRequest,
    ) -> Answer<billing::InvoiceFacts, types::CallError> {
        call_once!(self, offered!(self, billing), call_read_invoice(connection, request))
    }

    /// Reads the period of a subscription, or of one of its items.
    pub async fn read_subscription(
        &self,
        connection: &types::Connection,
        subscription: &str,
        item: Option<&str>,
    ) -> Answer<billing::SubscriptionPeriod, types::CallError> {
        let face = offered!(self, billing);
        call_once!(self, face, call_read_subscription(connection, subscription, item))
    }

    /// Reads a policy document, to be asked many times. It keeps its instance until it is dropped.
    pub async fn policy(&self, document: &str) -> Answer<Policy, Vec<types::FieldProblem>> {
        let face = offered!(self, policies);
        let mut opened = self.open_closed().await?;
        let face = face.load(&mut opened.store, &opened.instance);
        let face = face.map_err(|error| self.failure(&error))?;
        Ok(self.within(Policy::read(self.clone(), opened, face, document)).await?)
    }

    /// Sums up refunds.
    pub async fn summarize(
        &self,
        rows: &[reports::Row],
        options: &reports::Options,
    ) -> Answer<reports::Summary, Vec<types::FieldProblem>> {
        call_once!(self, offered!(self, reports), call_summarize(rows, options))
    }

    /// What is left to do after an event.
    pub async fn follow_ups_of_action(
        &self,
        action: &api::webhooks::Action,
        options: &follow_ups::Options,
    ) -> Answer<Vec<follow_ups::FollowUp>, Vec<types::FieldProblem>> {
        call_once!(self, offered!(self, follow_ups), call_of_action(action, options))
    }

    /// What is left to do after an operation.
    pub async fn follow_ups_of_outcome(
        &self,
        outcome: &follow_ups::Outcome,
        options: &follow_ups::Options,
    ) -> Answer<Vec<follow_ups::FollowUp>, Vec<types::FieldProblem>> {
        call_once!(self, offered!(self, follow_ups), call_of_outcome(outcome, options))
    }

    /// Reads one dispute.
    pub async fn dispute(
        &self,
        connection: &types::Connection,
        id: &str,
    ) -> Answer<disputes::DisputeCase, types::CallError> {
        call_once!(self, offered!(self, disputes), call_retrieve(connection, id))
    }

    /// Reads a page of disputes, those that are due soonest first.
    pub async fn disputes(
        &self,
        connection: &types::Connection,
        filter: &disputes::DisputeFilter,
    ) -> Answer<disputes::DisputePage, types::CallError> {
        call_once!(self, offered!(self, disputes), call_list(connection, filter))
    }

    /// Puts evidence aside at Stripe, without handing it in.
    pub async fn stage_evidence(
        &self,
        connection: &types::Connection,
        id: &str,
        evidence: &disputes::Evidence,
    ) -> Answer<disputes::Changed, disputes::DisputeError> {
        call_once!(self, offered!(self, disputes), call_stage_evidence(connection, id, evidence))
    }

    /// Hands evidence in. It cannot be undone.
    pub async fn submit_evidence(
        &self,
        connection: &types::Connection,
        id: &str,
        evidence: &disputes::Evidence,
    ) -> Answer<disputes::Changed, disputes::DisputeError> {
        call_once!(self, offered!(self, disputes), call_submit(connection, id, evidence))
    }

    /// Accepts that a dispute is lost. It cannot be undone.
    pub async fn close_dispute(
        &self,
        connection: &types::Connection,
        id: &str,
        confirmation: &disputes::CloseConfirmation,
    ) -> Answer<disputes::Changed, disputes::DisputeError> {
        call_once!(self, offered!(self, disputes), call_close(connection, id, confirmation))
    }

    /// Uploads a file to be named in evidence.
    pub async fn upload_evidence(
        &self,
        connection: &types::Connection,
        file: &disputes::EvidenceFile,
    ) -> Answer<disputes::UploadedFile, types::ChangeError> {
        call_once!(self, offered!(self, disputes), call_upload_file(connection, file))
    }
}
