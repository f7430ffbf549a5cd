/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audio thread makes no system call: it runs the whole show under strict seccomp, where the
   kernel kills a thread for any call but read, write, exit and sigreturn. */
/* pytest: alone */
/* pytest: slow */
#include "show.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/seccomp.h>
#include <unistd.h>

/* Sanitizers make system calls of their own. */
#if defined(FB_SANITIZED)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static void *audio(void *with)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) {
		return NULL; /* done stays 0, and the test says so */
	}
	show_audio(with);
	syscall(SYS_exit, 0); /* the one way out that is allowed */
	return NULL;
}

static void whole_show(uint32_t period)
{
	static show s;
	if (sanitized) {
		skip();
	}
	show_open(&s, period, 10);
	assert_true(show_run(&s, audio));
	show_check(&s);
	show_close(&s);
}

static void test_no_system_call(void **state)
{
	(void)state;
	whole_show(64);
}

static void test_no_system_call_in_odd_periods(void **state)
{
	(void)state;
	whole_show(100);
}

/* The guard guards: one getppid() in a node, and audio is dead. In a process of its own. */
static void test_the_guard_itself(void **state)
{
	(void)state;
	static show s;
	int status;
	if (sanitized) {
		skip();
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		show_open(&s, 64, 3);
		s.misdeed = "syscall";
		bool alive = show_run(&s, audio);
		_exit(alive ? 0 : s.done > 1000 ? 42 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 42)) {
		fail_msg("the child ended with %d", status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_guard_itself),
		cmocka_unit_test(test_no_system_call),
		cmocka_unit_test(test_no_system_call_in_odd_periods),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
