/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audio thread makes no system call, and with a crew none but futex, nor do its workers: all of
   them run the whole show under a seccomp filter with which the kernel kills a thread for any call
   but that and exit. Not strict seccomp: that takes the processor's clock away too. */
/* pytest: alone */
/* pytest: slow */
#include "show.h"

#include <signal.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers make system calls of their own. */
#if defined(FB_SANITIZED)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/** From here on this thread may call nothing but exit. With a crew it may call futex, and what it
	may not ends the whole program: a worker that died alone would be waited for. */
static bool confine(bool crew)
{
	const uint32_t spared = crew ? SYS_futex : SYS_exit;
	const uint32_t end = crew ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_KILL_THREAD;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, spared, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, end),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		   !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/** A worker of the crew, as confined as the audio thread. */
typedef struct confined {
	void *(*run)(void *);
	void *arg;
} confined;

static void *run_confined(void *with)
{
	confined work = *(confined *)with;
	free(with);
	if (confine(true)) {
		work.run(work.arg);
	}
	syscall(SYS_exit, 0);
	return NULL;
}

static int spawn_confined(void *ctx, pthread_t *thread, void *(*run)(void *), void *arg)
{
	(void)ctx;
	confined *with = malloc(sizeof *with);
	*with = (confined){run, arg};
	return pthread_create(thread, NULL, run_confined, with);
}

static void *audio(void *with)
{
	if (!confine(((show *)with)->threads > 1)) {
		return NULL; /* done stays 0, and the test says so */
	}
	show_audio(with);
	syscall(SYS_exit, 0); /* the one way out that is allowed */
	return NULL;
}

static void whole_show(uint32_t period, uint32_t threads)
{
	static show s;
	if (sanitized) {
		skip();
	}
	show_open(&s, period, 10, threads, spawn_confined);
	assert_true(show_run(&s, audio));
	show_check(&s);
	show_close(&s);
}

static void test_no_system_call(void **state)
{
	(void)state;
	whole_show(64, 1);
}

static void test_no_system_call_in_odd_periods(void **state)
{
	(void)state;
	whole_show(100, 1);
}

static void test_none_but_futex_with_a_crew(void **state)
{
	(void)state;
	whole_show(1024, 3);
}

/** A show with a getppid() in a node, in a process of its own. Returns how that ends. */
static int forbidden_show(uint32_t threads)
{
	static show s;
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		show_open(&s, 64, 3, threads, spawn_confined);
		s.misdeed = "syscall";
		bool alive = show_run(&s, audio);
		_exit(alive ? 0 : s.done > 1000 ? 42 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* The guard guards: one such call, and audio is dead. */
static void test_the_guard_itself(void **state)
{
	(void)state;
	if (sanitized) {
		skip();
	}
	int status = forbidden_show(1);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42) {
		fail_msg("the child ended with %d", status);
	}
	status = forbidden_show(3);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
		fail_msg("the child with a crew ended with %d", status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_guard_itself),
		cmocka_unit_test(test_no_system_call),
		cmocka_unit_test(test_no_system_call_in_odd_periods),
		cmocka_unit_test(test_none_but_futex_with_a_crew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
