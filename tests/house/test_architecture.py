"""The map is true: every path that docs/architecture.md names exists, and every source file has its tests."""

from __future__ import annotations

import re

import pytest

from tests.house.reading import ROOT, modules, tracked

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")

# Source files that no test is named for, by the test that tells when they break: parts of what it is named for.
TESTED_IN = """
ingest/test_judging.py: monitor/store/unjudged.py
ingest/test_turns.py: monitor/store/failures.py
ingest/test_collector.py: monitor/ingest/notices.py
ingest/test_pipeline.py: monitor/cases/assignment.py monitor/cases/grouping.py monitor/store/stories.py
    monitor/store/cases.py monitor/store/case_log.py monitor/types.py monitor/wiring.py monitor/text/sanitize.py
cli/test_cases.py: monitor/cli/mentions.py
cli/test_command_line.py: monitor/cli/base.py monitor/cli/database.py monitor/cli/service.py monitor/cli/settings.py
    monitor/cli/sources.py monitor/cli/alerts.py monitor/cli/status.py
    monitor/cli/page.py monitor/service/process.py monitor/service/console_view.py
cases/test_handing_over.py: monitor/store/absences.py
cases/test_actions.py: monitor/cases/showing.py monitor/cases/verbs.py
cli/test_learning.py: monitor/cli/measuring.py monitor/cli/mutes.py monitor/cli/backtest.py
monitor/test_mcp_server.py: monitor/cli/assistant.py
service/test_sample_weeks.py: monitor/cli/sample_weeks.py
reports/test_digest.py: monitor/cli/digest.py monitor/reports/letter/contents.py
    monitor/reports/letter/health.py monitor/reports/letter/sections.py monitor/reports/letter/sentence.py
    monitor/reports/letter/week.py
web/test_login.py: monitor/cli/people.py monitor/web/auth.py monitor/web/people.py monitor/store/web.py
    monitor/web/identity.py monitor/web/forms.py
web/test_single_sign_on.py: monitor/web/provider.py
web/test_proof.py: monitor/web/factor.py monitor/web/passwords.py monitor/web/you.py
privacy/test_forgetting.py: monitor/cli/privacy.py monitor/store/forgetting.py monitor/store/to_forget.py
    monitor/web/erase.py monitor/store/columns.py
alerts/test_pager.py: alerts/pager_webhook.py
connectors/test_http.py: connectors/answers.py connectors/unpacking.py
alerts/slack/test_channel.py: alerts/slack/client.py alerts/slack/settings.py
connectors/test_github_discussions.py: connectors/github/discussions.py
web/test_door.py: monitor/web/failures.py
alerts/email/test_channel.py: alerts/email/conversation.py alerts/email/settings.py
ingest/test_asking.py: monitor/store/asked.py
assistant/test_answers.py: monitor/store/assistant.py
cli/test_assistant.py: monitor/assistant/standing.py
web/test_translating.py: monitor/web/translations.py
assistant/test_injections.py: monitor/assistant/prompt_injection.py
assistant/test_translation.py: monitor/assistant/output_checks.py
ingest/test_wishes.py: monitor/cases/do_not_contact.py
privacy/test_holds.py: monitor/store/holds.py monitor/cli/holds.py monitor/notify/hold_notices.py
privacy/test_export.py: monitor/store/held.py
privacy/test_carrying_over.py: monitor/store/forgotten.py
privacy/test_what_is_left.py: monitor/store/wiping.py monitor/privacy/retention.py
incidents/test_story.py: monitor/incidents/telling.py monitor/incidents/statements.py monitor/incidents/acting.py
    monitor/notify/incident_messages.py
web/test_incidents.py: monitor/cli/incidents.py
incidents/test_watch.py: monitor/incidents/volume.py monitor/store/volume.py
web/test_replying.py: monitor/web/reply_box.py
assistant/test_draft.py: monitor/assistant/facts.py
web/test_drafting.py: monitor/assistant/draft_box.py
cli/test_replying.py: monitor/cli/drafting.py
story/test_replying.py: monitor/notify/slack_replies.py alerts/slack/reply_window.py
replying/test_press.py: monitor/replying/context.py monitor/replying/drafts.py monitor/replying/outcome.py
    monitor/replying/writers.py monitor/store/replies.py
trackers/test_creating.py: monitor/trackers/clients.py monitor/trackers/outcome.py monitor/store/issues.py
web/test_hashing.py: monitor/web/known_browser.py
web/test_audit.py: monitor/notify/account_notices.py monitor/web/downloads.py
web/test_api.py: monitor/cli/tokens.py monitor/web/openapi.py monitor/web/serializers.py monitor/web/mentions.py
service/test_watchdog.py: monitor/ingest/source_health.py monitor/store/watchdog_queries.py
web/test_slack_press.py: monitor/notify/interactions.py monitor/web/slack.py
notify/test_two_listeners.py: monitor/notify/listening.py monitor/notify/spool.py
web/test_two_pages.py: monitor/store/page_state.py
notify/test_rendering.py: monitor/notify/case_words.py
notify/test_sender.py: monitor/timeouts.py monitor/store/deliveries_owed.py
notify/test_system_notices.py: monitor/store/notices.py
reports/test_statistics.py: monitor/reports/formatting.py monitor/reports/response_times.py
    monitor/store/report_queries.py
settings/test_extras.py: monitor/extras.py
settings/test_loading.py: monitor/settings/checks.py monitor/settings/errors.py monitor/settings/models.py
    monitor/settings/secrets.py monitor/settings/toml_lines.py
web/test_cases.py: monitor/settings/overrides.py monitor/web/case.py monitor/web/case_timeline.py monitor/web/inbox.py
    monitor/web/team_settings.py monitor/web/live.py monitor/web/html.py
setup/test_commands.py: monitor/setup/templates.py
connectors/test_about.py: monitor/setup/kinds.py
ingest/test_access_tokens.py: connectors/oauth.py monitor/store/token_files.py
cli/test_connect.py: monitor/setup/callback.py
store/test_causes.py: monitor/store/cause_answers.py monitor/store/cause_changes.py
store/test_database.py: monitor/store/connect.py monitor/store/key_values.py monitor/store/postgresql.py
    monitor/store/sqlite.py monitor/store/schema.py
store/test_mentions.py: monitor/store/pages.py
learning/test_feedback.py: monitor/store/requeue.py
ingest/test_collector.py: monitor/store/sources.py
cases/test_list_of_the_day.py: monitor/store/list_entries.py monitor/notify/daily_lists.py monitor/notify/said_once.py
text/test_sample_day.py: monitor/text/need.py
text/test_judge.py: monitor/text/contributions.py monitor/text/explanations.py monitor/text/features.py
    monitor/text/triage.py
text/local_models/test_local_models.py: monitor/text/local_models/classifier.py monitor/text/local_models/encoder.py
    monitor/text/local_models/figures.py monitor/text/local_models/graph.py
text/model/test_training.py: monitor/text/model/fitting.py monitor/text/model/trained.py
text/test_query.py: monitor/text/query/matching.py monitor/text/query/parsing.py monitor/text/query/subject.py
    monitor/text/query/terms.py
web/test_guard.py: monitor/web/app.py monitor/web/context.py monitor/web/routing.py monitor/web/security.py
    monitor/web/server.py
web/test_both_databases.py: monitor/web/search.py monitor/web/insights.py monitor/web/sources.py
browser/test_everywhere.py: monitor/web/charts.py
web/test_daemon.py: monitor/web/health.py
web/test_waiting.py: monitor/ingest/preview.py
web/test_triage.py: monitor/cases/next_case.py monitor/store/read_marks.py monitor/web/presence.py
connectors/test_x.py: connectors/budget.py connectors/pagination.py connectors/terms.py
    connectors/x/client.py connectors/x/connector.py connectors/x/responses.py connectors/x/settings.py
    connectors/x/spending.py
reports/test_outcomes.py: monitor/cli/outcomes.py monitor/store/outcomes.py
reports/test_goodwill.py: monitor/store/goodwill.py
web/test_goodwill.py: monitor/web/competitors.py
ingest/test_competitors.py: monitor/store/competitors.py monitor/settings/competitors.py
    monitor/reports/share_of_voice.py
cli/test_inspection.py: monitor/store/inspection.py
connectors/test_bluesky.py: connectors/jetstream.py connectors/bluesky/connector.py connectors/bluesky/responses.py
    connectors/bluesky/stream.py
connectors/test_reddit.py: connectors/reddit/connector.py connectors/reddit/responses.py
    connectors/requests_adapter.py
connectors/test_http.py: connectors/sockets.py
connectors/test_reply_contract.py: connectors/writing.py connectors/bluesky/reply.py connectors/mastodon/reply.py
    connectors/github/reply.py connectors/discourse/reply.py connectors/appstore/reply.py
    connectors/googleplay/reply.py connectors/x/reply.py
    connectors/youtube/reply.py
connectors/test_youtube.py: connectors/youtube/connector.py
connectors/test_mastodon.py: connectors/mastodon/connector.py
connectors/test_github.py: connectors/github/connector.py
connectors/test_forums.py: connectors/discourse/connector.py
connectors/test_app_stores.py: connectors/appstore/connector.py connectors/googleplay/connector.py
    connectors/google.py connectors/listing.py connectors/signing.py
connectors/test_certificates.py: connectors/tls.py
notify/test_mail_subjects.py: alerts/case.py
cases/test_escalation.py: alerts/case_policy.py monitor/cases/growth.py
alerts/test_webhook.py: alerts/http.py
alerts/slack/test_socket_mode.py: alerts/slack/payloads.py
alerts/slack/test_channel.py: alerts/slack/blocks.py alerts/slack/errors.py
connectors/test_rss.py: connectors/bot_check.py connectors/rss/connector.py connectors/rss/entries.py
    connectors/rss/identity.py connectors/rss/parsing.py connectors/rss/places.py connectors/rss/wording.py
connectors/test_dates.py: connectors/date_words.py
connectors/test_inbound.py: connectors/inbound/connector.py connectors/inbound/mapping.py connectors/inbound/posts.py
    connectors/inbound/presets.py connectors/inbound/settings.py
web/test_door.py: connectors/inbound/proof.py monitor/store/arrived.py
ingest/test_watched_folder.py: monitor/ingest/arrivals.py
ingest/test_file_import.py: monitor/ingest/file_rows.py
ingest/test_judge_processes.py: monitor/text/judge_process.py
notify/test_events.py: monitor/notify/event_sender.py monitor/store/events.py
notify/test_targets.py: monitor/notify/fallback.py
notify/test_outbox.py: monitor/notify/gathering.py
web/test_trouble.py: monitor/notify/repeats.py monitor/notify/trouble.py monitor/store/channel_health.py
    monitor/store/disk.py monitor/web/reading.py
settings/test_accounts.py: monitor/ingest/identities.py
settings/test_rules.py: monitor/settings/warnings.py
cases/test_first_words.py: monitor/cases/own_lists.py monitor/cases/recording.py
cases/test_reply_kinds.py: monitor/text/reply_phrases.py
ingest/test_conversations.py: monitor/text/same_trouble.py
service/test_clock_check.py: connectors/server_dates.py monitor/cli/clock.py
service/test_engines.py: monitor/service/engines/many_processes.py monitor/service/engines/queue.py
service/test_scheduler.py: monitor/service/ticks.py monitor/service/work.py monitor/service/engines/by_hand.py
    monitor/service/engines/interface.py monitor/service/engines/one_process.py monitor/service/engines/threads.py
people/test_actors.py: monitor/people/roles.py monitor/people/slack_staff.py
service/test_membership.py: monitor/store/workers.py monitor/store/postgresql_roles.py
store/test_connections.py: monitor/store/postgresql_connections.py
store/test_ownership.py: monitor/store/sqlite_roles.py
people/test_identity.py: monitor/people/reach.py monitor/people/upgrade.py monitor/store/people.py
"""
WITHOUT_A_NAMESAKE = {
    path: f"tests/{test}"
    for test, paths in re.findall(r"^(\S+):((?:[^:]|:\n)*?)(?=^\S+:|\Z)", TESTED_IN, re.MULTILINE)
    for path in paths.split()
}


def test_every_path_on_the_map_exists() -> None:
    named = set(re.findall(r"`((?:monitor|connectors|alerts|tests|benchmarks|deploy|docs)/[\w./-]*)`", PAGE))
    named |= set(re.findall(r"^    ((?:connectors|alerts|monitor)/[\w./]+\.py) ", PAGE, re.MULTILINE))
    assert len(named) > 30, "the pattern finds too little"
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_map_lists_every_folder_and_only_these() -> None:
    drawn = PAGE[PAGE.index("## The folders") : PAGE.index("`make test`")]
    listed = set(re.findall(r"^      (\w+)(?:/|\.py) ", drawn, re.MULTILINE))
    folder = ROOT / "monitor"
    real = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert listed == real - {"__init__"}


def test_twenty_changes_have_their_place() -> None:
    rows = re.findall(r"^\| (?!I want|-)(.+?)\|", PAGE, re.MULTILINE)
    assert len(rows) >= 20


@pytest.mark.parametrize("folder", ["connectors", "alerts", "monitor"])
def test_every_source_file_has_a_test_named_for_it_or_a_reason(folder: str) -> None:
    tests = {path.relative_to(ROOT).as_posix() for path in tracked()}
    lonely = []
    for path in modules():
        inside = path.removeprefix("monitor/").removesuffix(".py")
        above, _, stem = inside.rpartition("/")
        wanted = {f"tests/{above or 'monitor'}/{kind}_{stem}.py" for kind in ("test", "contract")}
        if path.startswith(f"{folder}/") and stem != "__init__" and not wanted & tests:
            lonely.append(path)
    assert sorted(set(lonely) - set(WITHOUT_A_NAMESAKE)) == [], "name a test for it, or say in which one it is tested"


def test_no_entry_of_the_list_outlives_its_files() -> None:
    assert sorted(path for path in WITHOUT_A_NAMESAKE if path not in modules()) == []
    assert sorted({test for test in WITHOUT_A_NAMESAKE.values() if not (ROOT / test).exists()}) == []
