//! Breadth-first search over every state that a model can reach.
//!
//! Of the checkers for Rust, `stateright` (0.31) comes closest. It is not used here, for these reasons:
//!
//! - Its properties are functions of a state. Four invariants of the model are about a step: what leaves, what is answered,
//!   what a transaction records, whether a rule fails. Answers would have to be kept in the state, which multiplies states.
//! - It remembers states by a hash of 64 bits, so two states with one hash hide a part of the graph. Here the states
//!   themselves are compared.
//! - Each state that waits carries the list of actions that led to it: at depth 25 some 220 bytes beside a state of 88.
//!   Here the way back is one number and one action a state.
//! - Its models are shared by threads and are asked by `&self`. This one works out once what each call of the product does,
//!   and remembers it: that would be behind a lock.
//! - It brings an HTTP server along, and a second version of `getrandom`, which `deny.toml` refuses.
//!
//! What is needed of it is on this page.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, Instant};

use hashbrown::{DefaultHashBuilder, HashTable};

/// What can happen, from a first state on.
pub trait Model {
    /// A state. Two states are one if they are equal.
    type State: Clone + Eq + Hash;
    /// Something that can happen.
    type Action: Copy;

    /// Where everything begins.
    fn first(&mut self) -> Self::State;
    /// What can happen in a state.
    fn actions(&mut self, state: &Self::State, actions: &mut Vec<Self::Action>);
    /// What follows from an action. The same action in the same state always has the same consequence.
    fn next(&mut self, state: &Self::State, action: Self::Action) -> Next<Self::State>;
    /// Which invariants a state breaks. Called once for each state.
    fn broken(&mut self, state: &Self::State) -> Vec<Broken>;
}

/// What follows from an action.
#[derive(Clone, Debug)]
pub struct Next<S> {
    /// The state after it.
    pub state: S,
    /// Invariants that the action itself breaks, such as an answer that is not true.
    pub broken: Vec<Broken>,
}

/// An invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The name of the invariant.
    pub invariant: &'static str,
    /// What was found instead.
    pub detail: String,
}

/// The shortest way to a state that breaks an invariant.
#[derive(Clone, Debug)]
pub struct Counterexample<A> {
    /// What happened, in order.
    pub actions: Vec<A>,
    /// What was found.
    pub detail: String,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most states.
    pub states: usize,
    /// Whether to stop at the first invariant that is broken.
    pub stop_when_broken: bool,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Explored<A> {
    /// Distinct states.
    pub states: usize,
    /// Actions that were taken: each action in each state, once.
    pub steps: usize,
    /// Actions of the longest of the shortest ways from the first state to another.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// Whether every state was visited.
    pub is_complete: bool,
    /// The shortest counterexample of each invariant that does not hold.
    pub broken: BTreeMap<&'static str, Counterexample<A>>,
}

/// Where a state was reached from.
#[derive(Clone, Copy)]
struct Origin<A> {
    state: u32,
    action: A,
}

struct Search<M: Model> {
    hasher: DefaultHashBuilder,
    /// Every state, in the order in which they were found.
    states: Vec<M::State>,
    origins: Vec<Option<Origin<M::Action>>>,
    /// Where in `states` a state is.
    index: HashTable<u32>,
    explored: Explored<M::Action>,
}

/// Visits every state within the limits.
pub fn explore<M: Model>(model: &mut M, limits: Limits) -> Explored<M::Action> {
    let start = Instant::now();
    let mut search = Search::<M>::new();
    let first = model.first();
    search.add(model, first, None);
    let (mut actions, mut at, mut end_of_level) = (Vec::new(), 0, 1);
    while at < search.states.len() {
        if at == end_of_level {
            search.explored.depth += 1;
            end_of_level = search.states.len();
        }
        let is_full = search.states.len() > limits.states;
        if is_full || (limits.stop_when_broken && !search.explored.broken.is_empty()) {
            search.explored.is_complete = false;
            break;
        }
        search.expand(model, at, &mut actions);
        at += 1;
    }
    search.explored.states = search.states.len();
    search.explored.time = start.elapsed();
    search.explored
}

/// Takes one way through a model: the invariants that are broken on it, or `None` where an action is not possible.
pub fn follow<M: Model<Action: PartialEq>>(
    model: &mut M,
    way: &[M::Action],
) -> Option<Vec<Broken>> {
    let mut state = model.first();
    let mut broken = model.broken(&state);
    for action in way {
        let mut possible = Vec::new();
        model.actions(&state, &mut possible);
        if !possible.contains(action) {
            return None;
        }
        let next = model.next(&state, *action);
        broken.extend(next.broken);
        broken.extend(model.broken(&next.state));
        state = next.state;
    }
    Some(broken)
}

impl<M: Model> Search<M> {
    fn new() -> Self {
        let explored = Explored {
            states: 0,
            steps: 0,
            depth: 0,
            time: Duration::ZERO,
            is_complete: true,
            broken: BTreeMap::new(),
        };
        let hasher = DefaultHashBuilder::default();
        Self { hasher, states: Vec::new(), origins: Vec::new(), index: HashTable::new(), explored }
    }

    /// Takes every action that is possible in a state.
    fn expand(&mut self, model: &mut M, at: usize, actions: &mut Vec<M::Action>) {
        let state = self.states[at].clone();
        actions.clear();
        model.actions(&state, actions);
        for action in actions.iter().copied() {
            self.explored.steps += 1;
            let next = model.next(&state, action);
            // More states than this fit into no memory.
            let from = Origin { state: u32::try_from(at).unwrap_or(u32::MAX), action };
            for broken in next.broken {
                self.note(Some(from), broken);
            }
            self.add(model, next.state, Some(from));
        }
    }

    /// Adds a state, unless it was there before.
    fn add(&mut self, model: &mut M, state: M::State, from: Option<Origin<M::Action>>) {
        let hash = self.hasher.hash_one(&state);
        let is_same = |at: &u32| self.states[*at as usize] == state;
        if self.index.find(hash, is_same).is_some() {
            return;
        }
        for broken in model.broken(&state) {
            self.note(from, broken);
        }
        let at = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        let (hasher, states) = (&self.hasher, &self.states);
        self.index.insert_unique(hash, at, |at| hasher.hash_one(&states[*at as usize]));
        self.states.push(state);
        self.origins.push(from);
    }

    /// Keeps the first counterexample of each invariant, which is one of the shortest.
    fn note(&mut self, last: Option<Origin<M::Action>>, broken: Broken) {
        if self.explored.broken.contains_key(broken.invariant) {
            return;
        }
        let mut actions = Vec::new();
        let mut origin = last;
        while let Some(Origin { state, action }) = origin {
            actions.push(action);
            origin = self.origins[state as usize];
        }
        actions.reverse();
        let counterexample = Counterexample { actions, detail: broken.detail };
        self.explored.broken.insert(broken.invariant, counterexample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Limits = Limits { states: usize::MAX, stop_when_broken: false };

    /// Two jugs of three and five litres: is there a way to four?
    struct Jugs;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Pour {
        Fill(usize),
        Empty(usize),
        Into(usize),
    }

    impl Model for Jugs {
        type State = [u8; 2];
        type Action = Pour;

        fn first(&mut self) -> Self::State {
            [0, 0]
        }

        fn actions(&mut self, _: &Self::State, actions: &mut Vec<Pour>) {
            actions.extend([0, 1].map(Pour::Fill));
            actions.extend([0, 1].map(Pour::Empty));
            actions.extend([0, 1].map(Pour::Into));
        }

        fn next(&mut self, state: &Self::State, action: Pour) -> Next<Self::State> {
            let (sizes, mut next) = ([3, 5], *state);
            match action {
                Pour::Fill(jug) => next[jug] = sizes[jug],
                Pour::Empty(jug) => next[jug] = 0,
                Pour::Into(jug) => {
                    let poured = next[1 - jug].min(sizes[jug] - next[jug]);
                    next[jug] += poured;
                    next[1 - jug] -= poured;
                }
            }
            Next { state: next, broken: Vec::new() }
        }

        fn broken(&mut self, state: &Self::State) -> Vec<Broken> {
            let is_four = state[1] == 4;
            let broken = Broken { invariant: "never four", detail: format!("{state:?}") };
            is_four.then_some(broken).into_iter().collect()
        }
    }

    #[test]
    fn every_state_is_visited_and_the_way_is_the_shortest() {
        let explored = explore(&mut Jugs, ALL);
        // Sixteen of the 24 fillings can be reached; each has six actions.
        assert_eq!((explored.states, explored.steps), (16, 96));
        assert!(explored.is_complete);
        let way = &explored.broken["never four"];
        assert_eq!(way.detail, "[3, 4]");
        assert_eq!(
            way.actions,
            [
                Pour::Fill(1),
                Pour::Into(0),
                Pour::Empty(0),
                Pour::Into(0),
                Pour::Fill(1),
                Pour::Into(0),
            ]
        );
        assert_eq!(explored.depth, 7);
    }

    #[test]
    fn a_way_is_followed_as_far_as_it_goes() {
        let way = [Pour::Fill(1), Pour::Into(0), Pour::Empty(0), Pour::Into(0), Pour::Fill(1)];
        assert_eq!(follow(&mut Jugs, &way), Some(Vec::new()));
        let broken = follow(&mut Jugs, &[&way[..], &[Pour::Into(0)]].concat()).unwrap();
        assert_eq!(broken.len(), 1);
        assert_eq!(follow(&mut Lock { in_one_step: true }, &[0, 1]), None);
    }

    #[test]
    fn a_search_that_ends_before_its_time_says_so() {
        let broken = explore(&mut Jugs, Limits { stop_when_broken: true, ..ALL });
        assert!(!broken.is_complete && broken.broken.len() == 1);
        let full = explore(&mut Jugs, Limits { states: 5, ..ALL });
        assert!(!full.is_complete && full.broken.is_empty());
    }

    /// Two processes that look whether a lock is free and then take it, in two steps.
    struct Lock {
        in_one_step: bool,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    enum At {
        Begin,
        SawItFree,
        Inside,
        End,
    }

    impl Model for Lock {
        type State = ([At; 2], bool);
        type Action = usize;

        fn first(&mut self) -> Self::State {
            ([At::Begin; 2], false)
        }

        fn actions(&mut self, (at, taken): &Self::State, actions: &mut Vec<usize>) {
            let can = |process: &usize| match at[*process] {
                At::Begin => !taken,
                At::End => false,
                At::SawItFree | At::Inside => true,
            };
            actions.extend([0, 1].iter().filter(|process| can(process)));
        }

        fn next(&mut self, (at, taken): &Self::State, process: usize) -> Next<Self::State> {
            let (mut at, mut taken) = (*at, *taken);
            (at[process], taken) = match at[process] {
                At::Begin if self.in_one_step => (At::Inside, true),
                At::Begin => (At::SawItFree, taken),
                At::SawItFree => (At::Inside, true),
                At::Inside | At::End => (At::End, false),
            };
            let both = at == [At::Inside; 2];
            let broken = Broken { invariant: "alone", detail: "both are inside".to_owned() };
            Next { state: (at, taken), broken: both.then_some(broken).into_iter().collect() }
        }

        fn broken(&mut self, _: &Self::State) -> Vec<Broken> {
            Vec::new()
        }
    }

    #[test]
    fn a_race_is_found_and_its_absence_too() {
        let race = explore(&mut Lock { in_one_step: false }, ALL);
        assert_eq!(race.broken["alone"].actions.len(), 4);
        let safe = explore(&mut Lock { in_one_step: true }, ALL);
        assert!(safe.broken.is_empty() && safe.is_complete);
    }
}
