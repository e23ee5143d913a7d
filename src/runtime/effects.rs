//! Effects to tasks: each is handed to the thread it belongs to.

use std::sync::mpsc::Sender;

use jiff::Timestamp;

use super::store::{Order as Journal, Start};
use super::{Event, compare, history, log, panics, repo, survey, suspects, typing, ways};
use crate::cockpit::msg::{Done, Effect, EffectId, Fact, Msg};
use crate::cockpit::ways::Looked;
use crate::conductor::{self, Others, PassOver, Started};
use crate::failure::{Failure, Result};
use crate::health::compare::Question;
use crate::journal;
use crate::plan::progress::Choice;
use crate::plan::{Plan, Settle};

use super::ground::{Letter, Mail};
use super::shell::Shell;

impl Shell<'_> {
    /// Hands an effect over. Its end comes back as a message.
    pub(super) fn carry_out(&mut self, id: EffectId, effect: Effect) {
        match effect {
            Effect::Append(drafts) => self.store.ask(Journal::Append(id, drafts)),
            Effect::AppendAlarms(drafts) => self.store.ask(Journal::AppendAlarms(id, drafts)),
            Effect::Declare { started_at, declared } => {
                self.store.ask(Journal::Declare(id, started_at, declared));
            }
            Effect::OpenIncident(incident) => self.store.ask(Journal::Open(id, incident)),
            Effect::Join(incident) => self.sharer.join(id, incident),
            Effect::ListIncidents => self.store.ask(Journal::List(id)),
            Effect::Start { plan, confirmed, pass_over, policy } => {
                self.store.ask(Journal::Start(id, Start { plan, confirmed, pass_over, policy }));
            }
            Effect::RefreshBranch => self.ask_repo(repo::Order::Refresh(id)),
            Effect::Prepare(request) => {
                let plan = self.model.incident().map(|state| {
                    // Until the journal has said which installation this is, it is the one that declared it.
                    let here = if self.model.here == 0 { state.declared_at_node } else { self.model.here };
                    conductor::plan_id(state, &request, here)
                });
                match plan {
                    Some(plan) => self.ask_repo(repo::Order::Prepare(id, plan, request)),
                    None => self.done(
                        id,
                        Err(Failure::new("making the plan", "no incident is open", "declare one first")),
                    ),
                }
            }
            Effect::LookBack { environment } => self.look_back(id, environment),
            Effect::Survey(question) => {
                let config = &self.model.config.config;
                // It ends only with the program.
                let _ = self.survey.send(survey::Order {
                    id,
                    question,
                    hotfix: config.hotfix.clone(),
                    limit: self.model.policy.hotfix_limit,
                    environments: config.environments.iter().map(|env| env.name.clone()).collect(),
                });
            }
            Effect::LookForSuspects => {
                let state = self.model.incident().cloned().map(Box::new);
                self.ask_suspects(id, suspects::Order::Look(id, state));
            }
            Effect::Compare(questions) => self.compare(id, questions),
            Effect::ReadChange { commit } => self.ask_suspects(id, suspects::Order::Read(id, commit)),
            Effect::ReadCheck(check) => self.ask_repo(repo::Order::CheckLog(id, check)),
            Effect::Prove { plan } => self.prove(id, plan),
            Effect::TakeOver { target, reason } => self.take_over(id, target, reason),
            Effect::Decide { plan, choice, pass_over } => self.decide(id, plan, *choice, &pass_over),
            Effect::AskOthers(plan) => self.ask_others(id, *plan),
            Effect::Follow { run, tail } => {
                let order = match (run, self.model.incident()) {
                    (Some(run), Some(state)) => {
                        let dir = conductor::log_dir(&self.state_dir, state.id, &run);
                        log::Order::Follow { id, run, dir, tail }
                    }
                    _ => log::Order::Nothing,
                };
                let _ = self.log.send(order);
                self.done(id, Ok(Done::Quietly));
            }
            Effect::ReadLog { run, want } => match self.model.incident() {
                Some(state) => {
                    let dir = conductor::log_dir(&self.state_dir, state.id, &run);
                    // It ends only with the program.
                    let _ = self.history.send(history::Order { id, run, dir, want });
                }
                None => self.done(id, Ok(Done::Quietly)),
            },
            Effect::SendInput { run, typed } => match self.model.incident().map(|state| state.id) {
                Some(incident) => {
                    let _ = self.typing.send(typing::Order { id, incident, run, typed });
                }
                None => self.done(id, Ok(Done::Quietly)),
            },
            Effect::FindLive { environment, reference } => {
                self.ask_repo(repo::Order::FindLive(id, environment, reference));
            }
            Effect::ReadFlags => self.ask_repo(repo::Order::ReadFlags(id)),
            Effect::LookBackAt(policy) => self.ask_repo(repo::Order::LookBack(id, policy)),
            Effect::SyncFollowUps(incidents) => {
                let user = self.model.me.clone();
                self.ask_repo(repo::Order::SyncFollowUps(id, user, incidents));
            }
            Effect::ListRunbooks => self.ask_repo(repo::Order::ListRunbooks(id)),
            Effect::ReadTemplates => self.ask_repo(repo::Order::ReadTemplates(id)),
            Effect::SendMessage { message, read_at } => {
                self.ask_post(id, Mail::New(message, read_at));
            }
            Effect::ResendMessage(message) => self.ask_post(id, Mail::Again(message)),
            Effect::FlushMessages => self.ask_post(id, Mail::Waiting),
            Effect::FollowPages => self.ask_post(id, Mail::Pages),
            Effect::ReadPins => self.ask_post(id, Mail::Pins),
            Effect::ReadOnCall => self.ask_repo(repo::Order::ReadOnCall(id)),
            Effect::ReadRunbook { path } => self.ask_repo(repo::Order::ReadRunbook(id, path)),
            Effect::ProbeNow => {
                self.pulse.ask_now();
                self.done(id, Ok(Done::Quietly));
            }
            Effect::Trust { hash } => self.ask_repo(repo::Order::Trust(id, hash)),
            Effect::DraftConfig => self.ask_repo(repo::Order::Draft(id)),
            Effect::Init { content } => self.ask_repo(repo::Order::Init(id, content)),
            Effect::DrillFix => self.ask_repo(repo::Order::Fix(id)),
            Effect::Grade { fix, limit } => self.ask_repo(repo::Order::Grade(id, fix, limit)),
            Effect::Save { incident, name, content } => {
                self.ask_repo(repo::Order::Save(id, incident, name, content));
            }
            Effect::Export => self.store.ask(Journal::Export(id)),
            Effect::Alert(text) => {
                self.alert(&text);
                self.done(id, Ok(Done::Quietly));
            }
            Effect::Copy(text) => {
                self.copy(&text);
                let lines = text.lines().count();
                let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
                self.done(id, Ok(Done::Said(format!("copied {lines} (your terminal must allow OSC 52)"))));
            }
            Effect::LookLeft { settle } => self.look_left(id, *settle),
            Effect::Edit { cwd, files } => self.edit(id, &cwd, &files),
            Effect::EditText(text) => self.edit_text(id, &text),
            Effect::Suspend => {
                let done = if super::shell::has_job_control() {
                    self.suspend();
                    Done::Quietly
                } else {
                    Done::Said(
                        "this was not started from a shell with job control: nothing to go back to"
                            .to_owned(),
                    )
                };
                self.done(id, Ok(done));
            }
            Effect::Quit => self.over = true,
        }
    }

    fn ask_repo(&self, order: repo::Order) {
        // It ends only with the program.
        let _ = self.repo.send(order);
    }

    /// Has messages sent by the repository's configuration.
    fn ask_post(&self, id: EffectId, mail: Mail) {
        match self.model.incident().map(|state| state.id) {
            Some(incident) => {
                let user = self.model.me.clone();
                self.ask_repo(repo::Order::Post(id, Letter { incident, user, mail }));
            }
            None => self.done(id, Ok(Done::Quietly)),
        }
    }

    /// Hands a question to the thread that compares probes, which begins with the first.
    fn compare(&mut self, id: EffectId, questions: Vec<Question>) {
        if self.compare.is_none() {
            match compare::start(self.here().to_owned(), self.state_dir.clone(), self.events.clone()) {
                Ok(orders) => self.compare = Some(orders),
                Err(error) => return self.done(id, Err(super::no_thread(&error))),
            }
        }
        if let Some(orders) = &self.compare {
            // It ends only with the program.
            let _ = orders.send(compare::Order { id, questions });
        }
    }

    /// Hands an order to the thread that looks for suspects, which begins with the first.
    fn ask_suspects(&mut self, id: EffectId, order: suspects::Order) {
        if self.suspects.is_none() {
            let started =
                suspects::start(self.here().to_owned(), self.state_dir.clone(), self.events.clone());
            match started {
                Ok(orders) => self.suspects = Some(orders),
                Err(error) => return self.done(id, Err(super::no_thread(&error))),
            }
        }
        if let Some(orders) = &self.suspects {
            // It ends only with the program.
            let _ = orders.send(order);
        }
    }

    /// Ends an effect from here.
    pub(super) fn done(&self, id: EffectId, result: Result<Done>) {
        let _ = self.events.send(Event::Msg(Msg::Done(id, result)));
    }

    /// Looks for ways back, which asks repository and environment: on a thread of its own.
    fn look_back(&self, id: EffectId, environment: String) {
        let (here, state_dir, events) = (self.here().to_owned(), self.state_dir.clone(), self.events.clone());
        let told: Sender<Event> = events.clone();
        let started = panics::spawn("ways back", events, move || {
            let at = Timestamp::now();
            let looked = match ways::ways(&here, &state_dir, &environment) {
                Ok(options) => Looked {
                    at,
                    live: options.live,
                    unrecorded: options.unrecorded.map(Box::new),
                    past: options.past,
                    ways: Ok(options.ways),
                },
                Err(failure) => {
                    Looked { at, live: None, unrecorded: None, past: Vec::new(), ways: Err(failure) }
                }
            };
            let _ = told.send(Event::Msg(Msg::Fact(Fact::Ways { environment, looked })));
            let _ = told.send(Event::Msg(Msg::Done(id, Ok(Done::Quietly))));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }

    /// Asks what is left of what a step stopped at: on a thread of its own.
    fn look_left(&self, id: EffectId, settle: Settle) {
        let told: Sender<Event> = self.events.clone();
        let started = panics::spawn("what is left", self.events.clone(), move || {
            let left = conductor::left(&settle);
            let _ = told.send(Event::Msg(Msg::Done(id, Ok(Done::Left(left)))));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }

    /// Asks the world, which may take its time: on a thread and a journal of its own.
    fn prove(&self, id: EffectId, plan: String) {
        let Some(incident) = self.model.incident().map(|state| state.id) else { return };
        let (state_dir, user, events) = (self.state_dir.clone(), self.model.me.clone(), self.events.clone());
        let told: Sender<Event> = events.clone();
        let started = panics::spawn("proof", events, move || {
            let result = journal::Journal::open_again(&state_dir, &user)
                .and_then(|mut journal| conductor::prove(&mut journal, incident, &plan))
                .map(Done::Appended);
            let _ = told.send(Event::Msg(Msg::Done(id, result)));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }

    /// Carries a decision to a plan, which may have to find out first how it stands: on a thread
    /// and a journal of its own.
    fn decide(&self, id: EffectId, plan: String, choice: Choice, pass_over: &[(String, String)]) {
        let pass_over = PassOver::all(pass_over);
        let Some(state) = self.model.incident() else { return };
        let incident = state.id;
        let (state_dir, user, events) = (self.state_dir.clone(), self.model.me.clone(), self.events.clone());
        let told: Sender<Event> = events.clone();
        let started = panics::spawn("decision", events, move || {
            let result = journal::Journal::open_again(&state_dir, &user).and_then(|mut journal| {
                let doing = format!("plan {} {plan}", choice.decision.name());
                let repository = journal.repository_of(incident)?;
                match conductor::decide(
                    &mut journal,
                    &state_dir,
                    incident,
                    &repository,
                    &plan,
                    &choice,
                    &pass_over,
                )? {
                    Started::Yes(records) => Ok(Done::Decided { plan, records }),
                    Started::Held(lease) => Err(conductor::held(&doing, &lease, Timestamp::now())),
                }
            });
            let _ = told.send(Event::Msg(Msg::Done(id, result)));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }

    /// Asks the remote who else is at work at the target of a plan, which may take its time.
    fn ask_others(&self, id: EffectId, plan: Plan) {
        let Some(incident) = self.model.incident().map(|state| state.id) else { return };
        let (state_dir, user, events) = (self.state_dir.clone(), self.model.me.clone(), self.events.clone());
        let told: Sender<Event> = events.clone();
        let started = panics::spawn("others", events, move || {
            let asked = journal::Journal::open_again(&state_dir, &user)
                .map(|journal| conductor::others(&journal, &state_dir, incident, &plan));
            // A start asks as well, and says what it found.
            if let Ok(found) = asked {
                let said = match found {
                    Some(Others::Gate(standing)) => Some(standing),
                    Some(Others::Held(_)) | None => None,
                };
                let _ = told.send(Event::Msg(Msg::Fact(Fact::Others { plan: plan.id, said })));
            }
            let _ = told.send(Event::Msg(Msg::Done(id, Ok(Done::Quietly))));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }

    /// Takes a target from a holder that is gone: on a thread and a journal of its own.
    fn take_over(&self, id: EffectId, target: String, reason: String) {
        let Some(incident) = self.model.incident().map(|state| state.id) else { return };
        let (state_dir, user, events) = (self.state_dir.clone(), self.model.me.clone(), self.events.clone());
        let told: Sender<Event> = events.clone();
        let started = panics::spawn("takeover", events, move || {
            let result = journal::Journal::open_again(&state_dir, &user).and_then(|mut journal| {
                let repository = journal.repository_of(incident)?;
                let leases = journal.leases()?;
                let held = leases.iter().find(|held| held.repository == repository && held.target == target);
                let Some(lease) = held else { return Ok(Done::Said(format!("nobody holds {target}"))) };
                conductor::take_over(&mut journal, &state_dir, lease, &reason, None).map(Done::Appended)
            });
            let _ = told.send(Event::Msg(Msg::Done(id, result)));
        });
        if let Err(error) = started {
            self.done(id, Err(super::no_thread(&error)));
        }
    }
}
