//! The one table of commands. Keymap, menus, palette, help, the command line's twins and
//! the key table in `docs/keys.md` all come from it.

use super::key::Key;
use crate::incident::Decision;

/// Where a key of a command works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Anywhere in the cockpit, unless an overlay takes the key.
    Global,
    /// With the timeline focused.
    Timeline,
    /// With the health pane focused.
    Health,
    /// With the hotfix pane focused.
    Hotfix,
    /// With the checklist focused.
    Checklist,
    /// With the runs pane focused; what stops a run does so in its output too.
    Runs,
    /// In the output of a run.
    Output,
    /// In the view of a plan.
    Plan,
    /// On a plan before it is confirmed.
    Preview,
    /// On a plan that waits for approval.
    Vote,
    /// On the rollback screen.
    Rollback,
    /// In the list of feature flags.
    Flags,
    /// In the list of what usually breaks a service.
    Culprits,
    /// In a message.
    Message,
    /// In the incident report.
    Report,
    /// Looking back at incidents, and at what is left to do of them.
    Past,
    /// On the start screen.
    Start,
    /// Inside the menu of another command only.
    Menu(Command),
}

impl Scope {
    /// The heading in help and in `docs/keys.md`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Timeline => "Timeline",
            Self::Health => "Health",
            Self::Hotfix => "Hotfix",
            Self::Checklist => "Checklist",
            Self::Runs => "Runs",
            Self::Output => "Output of a run",
            Self::Plan => "Plan",
            Self::Preview => "Plan, before it starts",
            Self::Vote => "Plan that waits for approval",
            Self::Rollback => "Rollback",
            Self::Flags => "Feature flags",
            Self::Culprits => "What broke it",
            Self::Message => "Message",
            Self::Report => "Report",
            Self::Past => "History and follow-ups",
            Self::Start => "Start screen",
            Self::Menu(menu) => menu.spec().title,
        }
    }
}

/// How much harm a command can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Changes nothing but the screen.
    View,
    /// Writes a record.
    Record,
    /// Leads to a plan, which is previewed and confirmed.
    Plan,
}

/// What is known of a command.
#[derive(Debug)]
pub struct Spec {
    /// The command.
    pub command: Command,
    /// Its name in settings, the palette and messages.
    pub id: &'static str,
    /// A few words for menus and the palette.
    pub title: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Default keys, as [`Key::parse`] reads them.
    pub keys: &'static [&'static str],
    /// Where its keys work.
    pub scope: Scope,
    /// How much harm it can do.
    pub danger: Danger,
    /// Its twin on the command line; empty where there is none.
    pub verb: &'static str,
}

macro_rules! commands {
    ($($name:ident $id:literal $title:literal [$($key:literal)*] $scope:expr, $danger:ident, $verb:literal, $help:literal;)*) => {
        /// Everything that can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Command {
            $(#[doc = $help] $name,)*
        }

        /// All commands, in the order of help.
        pub const COMMANDS: &[Spec] = &[$(Spec {
            command: Command::$name,
            id: $id,
            title: $title,
            help: $help,
            keys: &[$($key),*],
            scope: $scope,
            danger: Danger::$danger,
            verb: $verb,
        },)*];
    };
}

use Scope::{Checklist, Global, Health, Menu, Output, Runs, Start, Timeline};

commands! {
    Palette "palette" "commands" [":"] Global, View, "", "Find any command by name and run it";
    Help "help" "help" ["?" "f1"] Global, View, "", "Show every key and what it does";
    Quit "quit" "quit" ["q"] Global, View, "", "Leave; running plans go on, except in a drill";

    FocusTimeline "timeline" "timeline" ["1"] Global, View, "", "Focus the timeline";
    FocusHealth "health" "health" ["2"] Global, View, "", "Focus the health pane";
    FocusHotfix "hotfix" "hotfix" ["3"] Global, View, "", "Focus the hotfix pane";
    FocusChecklist "checklist" "checklist" ["4"] Global, View, "", "Focus the checklist";
    FocusRuns "runs" "runs" ["5"] Global, View, "", "Focus the runs";
    NextPane "next-pane" "next pane" ["tab"] Global, View, "", "Focus the next pane";
    PreviousPane "previous-pane" "previous pane" ["shift-tab"] Global, View, "", "Focus the pane before";
    Zoom "zoom" "zoom" ["z"] Global, View, "", "Zoom the focused pane, or unzoom it";
    Back "back" "back" ["esc"] Global, View, "", "Close, unzoom, or clear the filter; the key that quits closes windows too";
    Filter "filter" "filter" ["/"] Global, View, "", "Show only the lines that contain a text; in the timeline also by:maya and kind:decision";
    Up "up" "up" ["k" "up"] Global, View, "", "Move up one line";
    Down "down" "down" ["j" "down"] Global, View, "", "Move down one line";
    PageUp "page-up" "page up" ["ctrl-u" "pageup"] Global, View, "", "Move up one page";
    PageDown "page-down" "page down" ["ctrl-d" "pagedown" "space"] Global, View, "", "Move down one page";
    Top "top" "top" ["g" "home"] Global, View, "", "Go to the first line";
    Bottom "bottom" "bottom" ["G" "end"] Global, View, "", "Go to the last line and follow";
    Open "open" "open" ["enter"] Global, View, "", "Open what the cursor is on";

    Declare "declare" "declare" ["D"] Global, Record, "declare", "Declare a new incident";
    Note "note" "note" ["n"] Global, Record, "note", "Write a note; tab makes it a finding, a decision, or something else";
    Notes "notes" "kinds of notes" ["N"] Global, Record, "note", "Write a finding, decision, problem, action, lesson or follow-up";
    Finding "note.finding" "finding" ["f"] Menu(Command::Notes), Record, "note", "Record something you found out";
    Decision "note.decision" "decision" ["d"] Menu(Command::Notes), Record, "note", "Record a decision";
    Problem "note.problem" "problem" ["p"] Menu(Command::Notes), Record, "note", "Record something odd, for the follow-up list";
    ActionTaken "note.action" "action" ["a"] Menu(Command::Notes), Record, "note", "Record something done by hand";
    Well "note.well" "went well" ["w"] Menu(Command::Notes), Record, "note", "Record what went well, for the review";
    Better "note.better" "could be better" ["b"] Menu(Command::Notes), Record, "note", "Record what could be better next time, for the review";
    FollowUp "note.follow-up" "follow-up" ["u"] Menu(Command::Notes), Record, "follow-up", "Record what is left to do afterwards: what @who date";
    Severity "severity" "severity" ["s"] Global, Record, "severity", "Raise or lower the severity, with a reason";

    Message "message" "message" ["m"] Global, Record, "message", "Write the message that is due from the record, and send it";
    Backlog "backlog" "ticket for the backlog" ["C"] Global, Record, "ticket", "Copy a backlog ticket, and record it as filed";

    Incident "incident" "incident" ["i"] Global, Record, "", "Impact, cause, roles, people told, and how it ends";
    Title "title" "title" ["w"] Menu(Command::Incident), Record, "title", "Reword the title";
    Began "began" "when it began" ["b"] Menu(Command::Incident), Record, "began", "Correct when the fault began";
    Impact "impact" "impact" ["i"] Menu(Command::Incident), Record, "impact", "Describe who is affected and how";
    Cause "cause" "cause" ["c"] Menu(Command::Incident), Record, "cause", "Describe what broke and why";
    Role "role" "role" ["r"] Menu(Command::Incident), Record, "role", "Assign a role";
    Page "page" "paged" ["p"] Menu(Command::Incident), Record, "page", "Record that somebody was paged";
    Told "told" "told" ["t"] Menu(Command::Incident), Record, "told", "Record that an audience was informed";
    Snooze "snooze" "snooze a reminder" ["z"] Menu(Command::Incident), Record, "snooze", "Snooze the reminder of an overdue clock, with a reason";
    Clocks "clocks" "clocks" ["k"] Menu(Command::Incident), View, "status", "List every clock with its name and when it is due, and go to what it asks for";
    Phase "phase" "phase" ["h"] Menu(Command::Incident), Record, "phase", "Enter a phase of the procedure";
    Mitigate "mitigate" "mitigated" ["m"] Menu(Command::Incident), Record, "resolve", "Record that users are served again";
    Resolve "resolve" "resolve" ["x"] Menu(Command::Incident), Record, "resolve", "Record that the incident is over";
    Reopen "reopen" "reopen" ["o"] Menu(Command::Incident), Record, "reopen", "Reopen the incident, with a reason";
    Close "close" "close" ["C"] Menu(Command::Incident), Record, "close", "Close the incident: nothing is left to do";
    Review "review" "review held" ["v"] Menu(Command::Incident), Record, "review", "Record that the review was held, and who was there";
    FollowUpSend "follow-up.send" "follow-ups as issues" ["u"] Menu(Command::Incident), Plan, "follow-up", "Open an issue at the code host for each follow-up that has none yet";
    Agenda "review.agenda" "agenda" ["a"] Menu(Command::Incident), View, "review", "Read the agenda of the review: what happened, and the follow-ups";
    Report "report" "report" ["R"] Menu(Command::Incident), View, "report", "Read the incident report and save it";
    DrillGrade "drill.grade" "how the drill went" ["g"] Menu(Command::Incident), View, "drill", "In a drill: read how it went against the procedure";
    Incidents "incidents" "other incidents" ["l"] Menu(Command::Incident), View, "history", "Go to the start screen with all incidents";

    Team "team" "people" ["w"] Global, Record, "", "Who does what: hand over, give tasks, propose something to everybody";
    Handoff "handoff" "hand over command" ["h"] Menu(Command::Team), Record, "handoff", "Offer command to somebody, with a brief; they take it";
    Task "task" "give a task" ["t"] Menu(Command::Team), Record, "task", "Give somebody a task and a time to report back";
    Motion "proposal" "propose something" ["p"] Menu(Command::Team), Record, "proposal", "Propose something to everybody: it is agreed if nobody objects in time";
    HandoffAccept "handoff.accept" "take over" [] Menu(Command::Team), Record, "handoff", "Accept a role that is offered to you";
    HandoffBrief "handoff.brief" "read the brief" [] Menu(Command::Team), View, "handoff", "Read what the next commander has to know";
    HandoffDecline "handoff.decline" "decline" [] Menu(Command::Team), Record, "handoff", "Decline a role that is offered, or withdraw the offer";
    TaskEnd "task.end" "end a task" [] Menu(Command::Team), Record, "task", "Record what came of a task";
    Object "proposal.object" "object" [] Menu(Command::Team), Record, "proposal", "Object to what was proposed, with a reason";
    Agree "proposal.agree" "agreed" [] Menu(Command::Team), Record, "proposal", "Record that what was proposed is agreed";
    Refuse "proposal.refuse" "not agreed" [] Menu(Command::Team), Record, "proposal", "Record that what was proposed is not agreed";

    Hotfix "hotfix-menu" "hotfix" ["h"] Global, Plan, "hotfix", "Start the hotfix branch, push it, finish it";
    HotfixStart "hotfix.start" "start branch" ["s"] Menu(Command::Hotfix), Plan, "hotfix", "Make the hotfix branch from the base";
    HotfixBump "hotfix.bump" "bump the version" ["b"] Menu(Command::Hotfix), Plan, "hotfix", "Bump the patch version in every file that holds it, and commit that";
    HotfixPush "hotfix.push" "push the branch" ["p"] Menu(Command::Hotfix), Plan, "hotfix", "Push the branch to the remote";
    HotfixFinish "hotfix.finish" "finish the hotfix" ["f"] Menu(Command::Hotfix), Plan, "hotfix", "Bring the fix to the branch that production is deployed from; skips what is done";
    HotfixMainFirst "hotfix.main-first" "main and tag first" ["m"] Menu(Command::Hotfix), Plan, "hotfix", "In git flow: release main and the tag now, merge back later";
    HotfixFetch "hotfix.fetch" "fetch" ["u"] Menu(Command::Hotfix), Plan, "hotfix", "Fetch from the remote, in a terminal where you can answer prompts";
    PullLink "hotfix.link" "copy the link of the pull request" ["l"] Menu(Command::Hotfix), View, "", "Copy the link of the pull request";
    PullText "hotfix.words" "copy the text of the pull request" ["y"] Menu(Command::Hotfix), View, "", "Copy title and body of the pull request, ready to paste";
    CheckLog "hotfix.check" "log of a failed check" ["c"] Menu(Command::Hotfix), View, "", "Read what a failed check of the pull request printed";
    HotfixAbandon "hotfix.abandon" "abandon the branch" ["X"] Menu(Command::Hotfix), Plan, "hotfix", "Abandon the hotfix branch";
    HotfixNot "hotfix.not" "no hotfix needed" ["n"] Menu(Command::Hotfix), Record, "note", "Record the decision that no hotfix is needed, with the reason";
    DrillFix "drill.fix" "apply the prepared fix" ["x"] Menu(Command::Hotfix), Record, "drill", "In a drill: edit and commit the prepared fix";
    Refresh "refresh" "refresh" ["r"] Menu(Command::Hotfix), View, "hotfix", "Read the repository again";
    Test "test" "test" ["t"] Global, Plan, "test", "Run configured checks";
    Deploy "deploy" "deploy" ["d"] Global, Plan, "deploy", "Deploy to an environment";
    Smoke "smoke" "smoke test" [] Menu(Command::Deploy), Plan, "smoke", "Smoke-test an environment";
    Watch "watch" "watch" ["w"] Menu(Command::Deploy), Plan, "watch", "Watch production, and judge the release there";
    Flags "flags" "flags" ["f"] Global, Plan, "flag", "See feature flags with their state, and turn them off and on";
    RollBack "rollback" "roll back" ["R"] Global, View, "rollback", "See the rollback options, proven or not, and take one";
    Live "live" "record what is live" [] Global, Record, "live", "Record what is live in production, if flightdeck did not deploy it";
    Clear "clear" "clear a release" [] Global, Record, "clear", "Allow a rolled-back release again, with the reason";
    Runbooks "runbooks" "runbooks" ["B"] Global, View, "runbook", "Read the runbooks of the repository: those that fit what fails come first";
    Actions "actions" "own actions" ["!"] Global, Plan, "action", "Run one of the team's own actions from flightdeck.toml";

    Culprits "culprits" "what broke it" ["b"] Global, View, "culprit", "Go through the usual causes, and what is odd";
    History "history" "history" ["H"] Global, View, "history", "Look back at incidents: how long they took, what was missed, what broke, and trends";
    FollowUps "follow-ups" "follow-ups" ["U"] Global, View, "follow-up", "Open follow-ups of all incidents, overdue first";
    Suspects "suspects" "suspects" ["S"] Global, View, "suspects", "See what changed since it last worked, most suspicious first";
    SuspectRevert "suspects.revert" "revert" ["r"] Menu(Command::Suspects), Plan, "suspects", "Plan to revert the change under the cursor";
    SuspectBisect "suspects.bisect" "bisect" ["b"] Menu(Command::Suspects), Plan, "suspects", "Bisect to find the commit that broke a check";
    SuspectsAgain "suspects.again" "refresh" ["l"] Menu(Command::Suspects), View, "suspects", "Look again at what changed";

    Approvals "approvals" "approvals" ["A"] Global, Record, "approve", "See who has to approve, and who has";
    Approve "approve" "approve" [] Menu(Command::Approvals), Record, "approve", "Read what waits, and approve it in a role";
    Reject "reject" "reject" ["x"] Menu(Command::Approvals), Record, "reject", "Read what waits, and reject it with a reason";
    CopyApproval "approve.copy" "copy the line for another terminal" ["y"] Menu(Command::Approvals), View, "", "Copy the command somebody else runs to approve";

    Pass "tick.pass" "pass" ["space"] Checklist, Record, "tick", "Tick the item as passed; of one that was looked at, ask whether to reopen it";
    Fail "tick.fail" "fail" ["x"] Checklist, Record, "tick", "Mark the item as failed, with a note";
    Assign "tick.assign" "assign" ["@"] Checklist, Record, "assign", "Give the item to somebody to look at";
    NotApplicable "tick.na" "not applicable" ["-"] Checklist, Record, "tick", "Mark the item as not applicable, with a reason";

    Amend "amend" "amend" ["a"] Timeline, Record, "amend", "Correct the text of the entry";
    Retract "retract" "retract" ["x"] Timeline, Record, "retract", "Retract the entry, with a reason; it stays, struck out";
    Pin "pin" "pin" ["*"] Timeline, Record, "pin", "Pin the entry, or unpin it";
    Fold "fold" "fold" ["-"] Timeline, View, "", "Fold automatic entries, or show them again";

    ProbeNow "probe" "ask now" ["p"] Health, View, "probe", "Ask every probe now";
    ChartEarlier "chart.earlier" "look back" ["left"] Health, View, "", "Move the cursor of the chart back, and pause the chart";
    ChartLater "chart.later" "look ahead" ["right"] Health, View, "", "Move the cursor of the chart ahead; past the end it goes back to now";
    ChartCloser "chart.closer" "less time" ["+"] Health, View, "", "In the chart: show less time, in more detail";
    ChartWider "chart.wider" "more time" ["-"] Health, View, "", "In the chart: show more time, up to a day";
    ChartLog "chart.log" "log scale" ["l"] Health, View, "", "In the chart: log scale, or linear";
    ChartSecond "chart.second" "second probe" ["c"] Health, View, "", "In the chart: draw a second probe over the first, with a scale of its own";

    Stop "stop" "stop" ["x"] Runs, Record, "run", "Stop the run: INT, then TERM, then KILL";
    Prove "prove" "check outcome" ["p"] Runs, Record, "plan", "Check whether a step of unknown outcome took effect";

    Answer "output.answer" "answer" ["i"] Output, View, "run", "Answer the command: keys go to it until ctrl-]";
    FindText "output.find" "find" ["/"] Output, View, "", "Search all of the output; lower case matches both";
    FindNext "output.next" "next" ["n"] Output, View, "", "Go to the next match";
    FindPrevious "output.previous" "previous" ["N"] Output, View, "", "Go to the previous match";
    SelectLines "output.select" "select" ["v"] Output, View, "", "Select lines to copy";
    CopyLines "output.copy" "copy" ["y"] Output, View, "", "Copy the selected lines, or those on the screen";
    Left "output.left" "left" ["h" "left"] Output, View, "", "Scroll long lines to the left";
    Right "output.right" "right" ["l" "right"] Output, View, "", "Scroll long lines to the right";
    Plan "plan" "plan" ["o"] Global, View, "plan", "Open the plan under the cursor, or the one that matters now";
    PlanResume "plan.resume" "continue" ["c"] Scope::Plan, Record, "plan", "Continue: release a hold, check again, or go on where it stopped";
    PlanRetry "plan.retry" "retry" ["r"] Scope::Plan, Record, "plan", "Retry the step that failed or whose outcome is unknown";
    PlanSkip "plan.skip" "skip" ["s"] Scope::Plan, Record, "plan", "Skip the step, with a reason; promote a canary now, if its watch runs";
    PlanUndo "plan.undo" "undo" ["u"] Scope::Plan, Record, "plan", "Undo what was done, a canary too, after showing what will be undone";
    PlanApprove "plan.approve" "approve in the pipeline" ["a"] Scope::Plan, Record, "plan", "Approve what the pipeline waits for, with your token";
    PlanReject "plan.reject" "reject in the pipeline" ["d"] Scope::Plan, Record, "plan", "Reject what the pipeline waits for, with your token";
    PlanCancel "plan.cancel" "abandon" ["X"] Scope::Plan, Record, "plan", "Abandon the plan: nothing more of it runs; what was done stays, a canary's share too";
    PlanSettle "plan.settle" "resolve the conflicts" ["e"] Scope::Plan, View, "plan", "Open the files in conflict in $VISUAL or $EDITOR; then let the plan go on";
    PlanTakeOver "plan.take-over" "take over" ["t"] Scope::Plan, Record, "plan", "Take over the target of a plan whose process is gone, with a reason";

    Details "plan.details" "details" ["ctrl-o"] Scope::Preview, View, "", "Show or hide how each step is proven, undone and limited";
    Propose "plan.propose" "ask for approval" ["a"] Scope::Preview, Record, "deploy", "Ask for approval of this plan";
    Override "plan.override" "override" ["o"] Scope::Preview, Record, "deploy", "Override the gates that are not met, with a reason";
    Verbal "approval.verbal" "verbal approval" ["v"] Scope::Vote, Record, "approve", "Record who approved it verbally, and how";
    RollbackAgain "rollback.refresh" "refresh" ["r"] Scope::Rollback, View, "rollback", "Check again which rollback options work";
    RollbackNot "rollback.not" "no rollback" ["x"] Scope::Rollback, Record, "note", "Record the decision not to roll back, with the reason";
    RuleOut "culprit.rule-out" "rule out" ["space"] Scope::Culprits, Record, "culprit", "Rule the culprit out; of one that was judged, ask whether to reopen it";
    CulpritFound "culprit.found" "it was this" ["x"] Scope::Culprits, Record, "culprit", "Record that it was this, with what shows it";
    OddFollowUp "odd.follow-up" "follow-up" ["u"] Scope::Culprits, Record, "follow-up", "Make what is odd a follow-up";
    FlagToggle "flag.toggle" "turn on or off" ["o" "space"] Scope::Flags, Plan, "flag", "Turn the flag off if it is on, and on if it is off";
    FlagOn "flag.on" "turn on" ["+"] Scope::Flags, Plan, "flag", "Turn the flag on";
    FlagOff "flag.off" "turn off" ["-"] Scope::Flags, Plan, "flag", "Turn the flag off";
    FlagsAgain "flag.refresh" "refresh" ["r"] Scope::Flags, View, "flag", "Read the state of every flag again";
    MessageEdit "message.edit" "edit" ["e"] Scope::Message, Record, "message", "Edit the text of the message";
    MessageEditor "message.editor" "editor" ["E"] Scope::Message, Record, "message", "Edit the text of the message in $VISUAL or $EDITOR";
    MessageCopy "message.copy" "copy" ["c"] Scope::Message, View, "message", "Copy the text of the message to the clipboard";
    MessageLook "message.preview" "preview" ["p"] Scope::Message, View, "message", "See how the next channel will show the message, with its length against the limit";
    MessageKind "message.kind" "kind" ["t"] Scope::Message, View, "message", "Write a message of the next kind";
    MessageDrafted "message.drafted" "drafted" ["a"] Scope::Message, View, "message", "Take the text that an assistant drafted";
    MessageAgain "message.again" "again" ["r"] Scope::Message, Record, "message", "Resend what failed; before sending, redraft";
    ReportSave "report.save" "save" ["s"] Scope::Report, View, "report", "Save the report to a file";
    ReportCopy "report.copy" "copy" ["c"] Scope::Report, View, "report", "Copy the report to the clipboard";
    ReportHtml "report.html" "HTML to print" ["h"] Scope::Report, View, "report", "Save the report as an HTML page to print";
    ReportBranch "report.branch" "commit to a branch" ["b"] Scope::Report, Plan, "report", "Commit the report to a branch, as a plan";
    ReportFill "report.fill" "fill in" ["f"] Scope::Report, Record, "report", "Fill in what is missing in the report";
    ReportExport "report.export" "export" ["e"] Scope::Report, View, "export", "Export every record of the incident";

    FollowUpDone "follow-up.done" "done" ["x"] Scope::Past, Record, "follow-up", "Record that the follow-up is done, and what came of it";
    FollowUpDrop "follow-up.drop" "drop" ["-"] Scope::Past, Record, "follow-up", "Record that the follow-up will not be done, with the reason";
    FollowUpAssign "follow-up.assign" "owner and date" ["@"] Scope::Past, Record, "follow-up", "Reassign or reschedule the follow-up: @who date";
    FollowUpSync "follow-up.sync" "read the issues" ["r"] Scope::Past, Record, "follow-up", "Sync issues: a closed issue closes its follow-up";

    View "view" "view" ["v"] Global, View, "", "Theme, time zone and guide";
    Theme "theme" "next theme" ["t"] Menu(Command::View), View, "", "Change to the next theme";
    TimeZone "time-zone" "UTC or local" ["u"] Menu(Command::View), View, "", "Show times in UTC or in the local zone";
    Guide "guide" "guide" ["g"] Menu(Command::View), View, "", "Show or hide the line that tells what to try next";
    Presenter "presenter" "presenter mode" ["P"] Global, View, "", "For a shared screen: mask secrets, hosts and addresses, and show keys pressed";
    Errors "errors" "error log" ["e"] Global, View, "", "Read the error log";
    Trust "trust" "trust" ["T"] Global, Record, "trust", "Read what flightdeck.toml would run, and trust this content";
    Init "init" "write flightdeck.toml" ["I"] Start, Record, "init", "Write a commented flightdeck.toml for this repository";
    Suspend "suspend" "suspend" ["ctrl-z"] Global, View, "", "Go to the shell; `fg` comes back";
}

impl Command {
    /// What is known of it.
    pub fn spec(self) -> &'static Spec {
        &COMMANDS[self as usize]
    }

    /// The command with this id.
    pub fn parse(id: &str) -> Option<Self> {
        COMMANDS.iter().find(|spec| spec.id == id).map(|spec| spec.command)
    }

    /// The command that makes a decision about a plan.
    pub fn of_decision(decision: &Decision) -> Self {
        match decision {
            Decision::Resume => Self::PlanResume,
            Decision::Retry => Self::PlanRetry,
            Decision::Skip { .. } => Self::PlanSkip,
            Decision::Undo { .. } => Self::PlanUndo,
            Decision::Review { approve: true, .. } => Self::PlanApprove,
            Decision::Review { .. } => Self::PlanReject,
            Decision::GiveUp => Self::PlanCancel,
        }
    }

    /// Tells whether it moves about or acts on what the cursor is on.
    pub fn is_motion(self) -> bool {
        use Command::{Back, Bottom, ChartEarlier, ChartLater, Down, Open, PageDown, PageUp, Top, Up};
        let moves = matches!(self, Up | Down | PageUp | PageDown | Top | Bottom | ChartEarlier | ChartLater);
        moves || matches!(self, Open | Back)
    }

    /// Tells whether it is about a chart.
    pub fn is_chart(self) -> bool {
        self.spec().id.starts_with("chart.")
    }

    /// Tells whether it opens a menu.
    pub fn is_menu(self) -> bool {
        matches!(
            self,
            Self::Notes
                | Self::Severity
                | Self::Incident
                | Self::Role
                | Self::Told
                | Self::Phase
                | Self::Snooze
                | Self::Clocks
                | Self::Team
                | Self::Hotfix
                | Self::Test
                | Self::Deploy
                | Self::Actions
                | Self::Approvals
                | Self::ChartSecond
                | Self::View
        )
    }
}

/// A command with what it acts on: `deploy` with `staging`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Invoke {
    /// The command.
    pub command: Command,
    /// What it acts on: an environment, a check, a severity, a role; empty where the command
    /// needs nothing or opens its menu to ask.
    pub argument: String,
}

impl From<Command> for Invoke {
    fn from(command: Command) -> Self {
        Self { command, argument: String::new() }
    }
}

/// The default keys of a command, parsed.
pub fn default_keys(command: Command) -> Vec<Key> {
    command.spec().keys.iter().filter_map(|key| Key::parse(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_is_in_order_of_the_enum_and_ids_are_unique() {
        let mut ids = HashSet::new();
        for (index, spec) in COMMANDS.iter().enumerate() {
            assert_eq!(spec.command as usize, index);
            assert!(ids.insert(spec.id), "{} stands twice", spec.id);
            assert_eq!(Command::parse(spec.id), Some(spec.command));
            assert!(!spec.help.ends_with('.') && !spec.help.is_empty());
        }
    }

    #[test]
    fn every_default_key_can_be_read() {
        for spec in COMMANDS {
            assert_eq!(default_keys(spec.command).len(), spec.keys.len(), "{}", spec.id);
        }
    }
}
