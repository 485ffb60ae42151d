"""`readline` where nobody types."""

from guesthouse.standin import unavailables

backend = "none"

globals().update(
    unavailables(
        "readline",
        "append_history_file read_history_file read_init_file write_history_file",
        "there is no terminal in this guest",
    )
)


def _nothing(*_):
    return None


def _zero(*_):
    return 0


def _empty(*_):
    return ""


add_history = clear_history = insert_text = parse_and_bind = redisplay = remove_history_item = _nothing
replace_history_item = set_auto_history = set_completer = set_completer_delims = set_history_length = _nothing
set_completion_display_matches_hook = set_pre_input_hook = set_startup_hook = _nothing
get_completer = get_history_item = _nothing
get_begidx = get_completion_type = get_current_history_length = get_endidx = get_history_length = _zero
get_completer_delims = get_line_buffer = _empty
