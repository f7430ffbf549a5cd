/* SPDX-License-Identifier: GPL-3.0-or-later */
/** foldback: finds the sub-command, reads the options, runs it. */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const fb_command *const commands[] = {&fb_cmd_ls, &fb_cmd_get, &fb_cmd_set, &fb_cmd_watch,
	&fb_cmd_run, &fb_cmd_runs, &fb_cmd_run_show, &fb_cmd_rate, &fb_cmd_snapshot, &fb_cmd_verify,
	&fb_cmd_audit, &fb_cmd_scene_save, &fb_cmd_scene_load, &fb_cmd_scene_list, &fb_cmd_scene_show,
	&fb_cmd_scene_put, &fb_cmd_scene_rename, &fb_cmd_scene_delete, &fb_cmd_scene_safe,
	&fb_cmd_layout, &fb_cmd_midi_list, &fb_cmd_midi_learn, &fb_cmd_midi_forget, &fb_cmd_midi_import,
	&fb_cmd_midi_export, NULL, &fb_cmd_nodes, &fb_cmd_metrics, &fb_cmd_patch_check,
	&fb_cmd_patch_show, &fb_cmd_render, &fb_cmd_analyze, NULL};

static fb_ctl ctl = {.host = "127.0.0.1", .osc_port = 7770, .http_port = 7771};

static const fb_arg common[] = {
	{"json", NULL, "answer in JSON", FB_ARG_FLAG, 0, &ctl.json, 0, 0},
	{"help", NULL, "this", FB_ARG_FLAG, 'h', &ctl.help, 0, 0},
	{"version", NULL, "print the version", FB_ARG_FLAG, 0, &ctl.version, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

/** Taken by all commands, so that a script need not know which of them talk to a server. */
static const fb_arg server[] = {
	{"host", "HOST", "where foldbackd runs (127.0.0.1)", FB_ARG_TEXT, 0, &ctl.host, 0, 0},
	{"osc-port", "N", "its port for OSC (7770)", FB_ARG_INT, 0, &ctl.osc_port, 1, 65535},
	{"http-port", "N", "its port for HTTP (7771)", FB_ARG_INT, 0, &ctl.http_port, 1, 65535},
	{"token-file", "F",
		"file whose first line is the server's token, for writing from beyond\n"
		"its own machine",
		FB_ARG_TEXT, 0, &ctl.token_file, 0, 0},
	{NULL, NULL, NULL, FB_ARG_FLAG, 0, NULL, 0, 0},
};

/* --- help */

static void list_commands(const fb_command *const **at)
{
	for (; **at; ++*at) {
		char left[96];
		snprintf(
			left, sizeof left, "%s%s%s", (**at)->name, *(**at)->words ? " " : "", (**at)->words);
		if (strlen(left) > 30) {
			printf("  %s\n  %30s  %s\n", left, "", (**at)->doc);
		} else {
			printf("  %-30s  %s\n", left, (**at)->doc);
		}
	}
	++*at;
}

static int print_help(void)
{
	const fb_command *const *at = commands;
	puts("usage: foldback COMMAND [WORD]... [OPTION]...\n"
		 "Works with a foldback server, and with its patches and audio files.\n\n"
		 "With a server (foldbackd):");
	list_commands(&at);
	puts("\nWithout one:");
	list_commands(&at);
	puts("\nOptions of every command (foldback COMMAND --help shows its own):");
	fb_args_help(server, stdout);
	fb_args_help(common, stdout);
	puts("\nResults go to standard output, everything else to standard error.\n"
		 "Exit status: 0 done, 1 failed, 2 bad usage.");
	return FB_EXIT_OK;
}

static int print_command_help(const fb_command *command)
{
	printf("usage: foldback %s%s%s [OPTION]...\n", command->name, *command->words ? " " : "",
		command->words);
	fb_print_wrapped(command->doc, 0);
	if (command->more) {
		puts("");
		fb_print_wrapped(command->more, 0);
	}
	puts("\nOptions:");
	fb_args_help(command->args, stdout);
	if (command->online) {
		fb_args_help(server, stdout);
	}
	fb_args_help(common, stdout);
	return FB_EXIT_OK;
}

/* --- which command */

static const fb_command *find_exact(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (commands[i] && !strcmp(commands[i]->name, name)) {
			return commands[i];
		}
	}
	return NULL;
}

/** Commands of two words that begin with this one. Returns how many. */
static int list_family(const char *word, FILE *to)
{
	size_t len = strlen(word);
	int found = 0;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (commands[i] && !strncmp(commands[i]->name, word, len) &&
			commands[i]->name[len] == ' ') {
			fprintf(to, "%s foldback %s %s\n", found++ ? "      " : "usage:", commands[i]->name,
				commands[i]->words);
		}
	}
	return found;
}

/** Where the command's first word stands: behind options of every command and their values. */
static int command_place(int count, char **words)
{
	for (int i = 0; i < count; i++) {
		if (words[i][0] != '-') {
			return i;
		}
		for (const fb_arg *arg = server; arg->name; arg++) {
			if (arg->value && !strncmp(words[i], "--", 2) && !strcmp(words[i] + 2, arg->name)) {
				i++;
				break;
			}
		}
	}
	return count;
}

/** Take `n` words out at `at`. */
static void drop_words(int *count, char **words, int at, int n)
{
	memmove(words + at, words + at + n, (size_t)(*count - at - n) * sizeof *words);
	*count -= n;
}

static const fb_command *take_command(int *count, char **words)
{
	int at = command_place(*count, words);
	if (at == *count) {
		return NULL;
	}
	if (at + 1 < *count) {
		char name[64];
		snprintf(name, sizeof name, "%s %s", words[at], words[at + 1]);
		const fb_command *two = find_exact(name);
		if (two) {
			drop_words(count, words, at, 2);
			return two;
		}
	}
	const fb_command *one = find_exact(words[at]);
	if (one) {
		drop_words(count, words, at, 1);
	}
	return one;
}

/* --- */

static int run_command(const fb_command *command, int count, char **words)
{
	const fb_arg *const tables[] = {command->args, common, server, NULL};
	fb_error error;
	if (fb_args_read(tables, &count, words, &error)) {
		return fb_say_usage(command, "%s: %s", error.where, error.text);
	}
	if (ctl.help) {
		return print_command_help(command);
	}
	if (ctl.version) {
		puts("foldback " FB_VERSION);
		return FB_EXIT_OK;
	}
	if (count < command->least) {
		return fb_say_usage(command, "needs %s", command->words);
	}
	if (count > command->most) {
		return fb_say_usage(command, "\"%s\" is one word too many", words[command->most]);
	}
	return command->run(&ctl, count, words);
}

static int run(int count, char **words)
{
	const fb_arg *const tables[] = {common, server, NULL};
	fb_error error;
	const fb_command *command = take_command(&count, words);
	if (command) {
		return run_command(command, count, words);
	}
	int at = command_place(count, words);
	if (at < count) {
		if (!list_family(words[at], stderr)) {
			fprintf(stderr, "foldback: \"%s\" is no command\n", words[at]);
		}
		fputs("Try: foldback --help\n", stderr);
		return FB_EXIT_USAGE;
	}
	if (fb_args_read(tables, &count, words, &error)) {
		fprintf(stderr, "foldback: %s: %s\nTry: foldback --help\n", error.where, error.text);
		return FB_EXIT_USAGE;
	}
	if (ctl.version) {
		puts("foldback " FB_VERSION);
		return FB_EXIT_OK;
	}
	if (!ctl.help) {
		fputs("foldback: needs a command\nTry: foldback --help\n", stderr);
		return FB_EXIT_USAGE;
	}
	return print_help();
}

int main(int argc, char **argv)
{
	int code = run(argc - 1, argv + 1);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "foldback: standard output cannot be written: %s\n", strerror(errno));
		code = code ? code : FB_EXIT_FAILED;
	}
	return code;
}
