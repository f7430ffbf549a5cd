/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"

#include "hammer.h"
#include "rig.h"

enum { RATE = 48000, LONG = 20 * RATE, FRAME = 960, BEFORE = 5 };

/** Real speech, 16 kHz wide band: a woman reads a menu (Debian: asterisk-core-sounds-en-g722). */
static void speech(rig_sound *s)
{
	static const char path[] = "/usr/share/asterisk/sounds/en_US_f_Allison/conf-adminmenu.g722";
	char command[256];
	snprintf(command, sizeof command, "ffmpeg -v error -f g722 -i %s -ar %d -ac 1 -f f32le -", path,
		RATE);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	s->frames = fread(s->in[0], sizeof(float), LONG, pipe);
	if (pclose(pipe) != 0 && s->frames < LONG) {
		fail_msg("no speech: needs ffmpeg and %s", path);
	}
	s->frames = s->frames / FRAME * FRAME;
	assert_true(s->frames > 10 * RATE);
	memcpy(s->in[1], s->in[0], LONG * sizeof(float));
}

/** What a 20 ms frame is, told by other means than the node's: by the number of its zero crossings
   and the level of its samples. s, sh, z and t cross zero thousands of times a second, voiced
   sounds hundreds. */
typedef enum kind { QUIET, VOICED, SIBILANT, BETWEEN } kind;

static kind kind_of(const float *x)
{
	if (sig_rms_db(x, FRAME) < -45) {
		return QUIET;
	}
	int crossings = 0;
	for (int i = 1; i < FRAME; i++) {
		crossings += (x[i] < 0) != (x[i - 1] < 0);
	}
	double per_second = (double)crossings * RATE / FRAME;
	return per_second > 8000 ? SIBILANT : per_second < 3000 ? VOICED : BETWEEN;
}

typedef struct figures {
	int sibilants, voiced;
	double sibilants_db, voiced_db; ///< mean change of level
	double voiced_worst_db; ///< level of the largest difference in a voiced frame, to its level
} figures;

/** The frame after and so many before are of the same kind: at the seams there is something of
   both, and the release reaches over them. */
static bool alike(const float *x, kind k, int before)
{
	bool same = kind_of(x + FRAME) == k;
	for (int i = 1; i <= before; i++) {
		same = same && kind_of(x - i * FRAME) == k;
	}
	return same;
}

static figures measure(const rig_sound *s)
{
	figures f = {0};
	f.voiced_worst_db = -300;
	float diff[FRAME];
	for (size_t at = BEFORE * FRAME; at + 2 * FRAME <= s->frames; at += FRAME) {
		kind k = kind_of(s->in[0] + at);
		if (!alike(s->in[0] + at, k, k == SIBILANT ? 1 : BEFORE)) {
			continue;
		}
		double in = sig_rms_db(s->in[0] + at, FRAME);
		double change = sig_rms_db(s->out[0] + at, FRAME) - in;
		if (k == SIBILANT) {
			f.sibilants++;
			f.sibilants_db += change;
		} else if (k == VOICED) {
			for (int i = 0; i < FRAME; i++) {
				diff[i] = s->out[0][at + (size_t)i] - s->in[0][at + (size_t)i];
			}
			f.voiced++;
			f.voiced_db += change;
			f.voiced_worst_db = fmax(f.voiced_worst_db, sig_rms_db(diff, FRAME) - in);
		}
	}
	f.sibilants_db /= f.sibilants;
	f.voiced_db /= f.voiced;
	return f;
}

/* The node's figure: on real speech sibilants go down, and nothing else changes. */
static void test_acts_on_sibilants_only(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	speech(&s);
	for (int wide = 0; wide < 2; wide++) {
		fb_rig *rig = rig_open("deess", RATE);
		rig_choose(rig, "mode", wide ? "wide" : "split");
		rig_set(rig, "frequency", 4500);
		rig_set(rig, "threshold", -48);
		rig_set(rig, "range", 8);
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		figures f = measure(&s);
		printf("# %s: %d sibilant frames %.2f dB, %d voiced %.4f dB, worst change %.1f dB\n",
			wide ? "wide" : "split", f.sibilants, f.sibilants_db, f.voiced, f.voiced_db,
			f.voiced_worst_db);
		assert_true(f.sibilants >= 20 && f.voiced >= 200);
		assert_true(f.sibilants_db < -4);
		/* wide, the last of the release reaches the whole voice, split only its air */
		assert_true(fabs(f.voiced_db) < (wide ? 0.05 : 0.001));
		assert_true(f.voiced_worst_db < (wide ? -25 : -40));
		assert_memory_equal(s.out[0], s.out[1], s.frames * sizeof(float));
		rig_close(rig);
	}
	rig_sound_close(&s);
}

/* What is not a sibilant passes to the bit, however loud and bright: a low tone, a sawtooth. */
static void test_leaves_the_rest_alone(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	s.frames = 2 * RATE;
	fb_rig *rig = rig_open("deess", RATE);
	rig_set(rig, "threshold", -60);
	rig_set(rig, "range", 24);
	for (int saw = 0; saw < 2; saw++) {
		for (size_t i = 0; i < s.frames; i++) {
			double t = (double)i / RATE;
			s.in[0][i] = (float)(saw ? 2 * fmod(170 * t, 1.0) - 1 : sin(2 * M_PI * 300 * t));
			s.in[1][i] = -0.3f * s.in[0][i];
		}
		rig_prepare(rig);
		rig_sound_run(rig, &s);
		/* the first 20 ms are a sudden start, and that is bright */
		assert_memory_equal(s.out[0] + RATE, s.in[0] + RATE, RATE * sizeof(float));
		assert_memory_equal(s.out[1] + RATE, s.in[1] + RATE, RATE * sizeof(float));
	}
	rig_close(rig);
	rig_sound_close(&s);
}

/* A tone in the band: 3 dB for each 4 above the threshold, no more than the range; split, the shelf
   has its whole depth an octave and more above and nothing far below. */
static void test_amount(void **state)
{
	(void)state;
	static const double levels[] = {-50, -40, -30, -20, -10};
	rig_sound s = rig_sound_open(LONG);
	s.frames = RATE;
	fb_rig *rig = rig_open("deess", RATE);
	rig_set(rig, "frequency", 4000);
	rig_set(rig, "threshold", -40);
	rig_set(rig, "range", 12);
	for (int k = 0; k < 10; k++) {
		double level = levels[k / 2];
		rig_choose(rig, "mode", k % 2 ? "wide" : "split");
		rig_prepare(rig);
		sig_sine(s.in[0], s.frames, RATE, 12000, pow(10, level / 20) * sqrt(2.0), 0);
		memcpy(s.in[1], s.in[0], LONG * sizeof(float));
		rig_sound_run(rig, &s);
		double over = level + 40;
		double wanted = over <= -3 ? 0
						: over < 3 ? 0.75 * (over + 3) * (over + 3) / 12
								   : 0.75 * over;
		wanted = fmin(wanted, 12);
		/* the band filter leaves 12 kHz 0.01 dB down, the shelf is 0.3 dB short of its end there */
		assert_near(rig_meter(rig, "reduction"), wanted, 0.02);
		double change = sig_level_db(s.out[0] + RATE / 2, RATE / 2, RATE, 12000) - level - 3.01;
		assert_near(change, -wanted, k % 2 ? 0.02 : 0.4);
	}
	rig_close(rig);
	rig_sound_close(&s);
}

/* Mode, listen and frequency may be thrown about while it works: no step beyond those of the sound.
 */
static void test_switching_fades(void **state)
{
	(void)state;
	rig_sound s = rig_sound_open(LONG);
	s.frames = 2 * RATE;
	sig_sine(s.in[0], s.frames, RATE, 6000, 0.3, 0);
	sig_sine(s.in[1], s.frames, RATE, 6000, 0.3, 0);
	fb_rig *rig = rig_open("deess", RATE);
	rig_set(rig, "threshold", -60);
	rig_prepare(rig);
	/* second difference at 6 kHz: (2 sin(pi/8))^2 of the amplitude; a step of 1 % of it would add 3
	 * % */
	double own = 0.3 * pow(2 * sin(M_PI * 6000 / RATE), 2), worst = 0;
	for (size_t at = 0; at + 2400 <= s.frames; at += 2400) {
		rig_choose(rig, "mode", at / 2400 % 2 ? "wide" : "split");
		rig_set(rig, "listen", at / 2400 % 3 == 0);
		rig_set(rig, "frequency", at / 2400 % 5 ? 3000 : 8000);
		const float *in[2] = {s.in[0] + at, s.in[1] + at};
		float *out[2] = {s.out[0] + at, s.out[1] + at};
		rig_run(rig, in, out, 2400);
	}
	for (size_t i = 2; i < s.frames; i++) {
		worst = fmax(worst,
			fabs((double)s.out[0][i] - 2 * (double)s.out[0][i - 1] + (double)s.out[0][i - 2]));
	}
	assert_true(worst < own * 1.03);
	rig_close(rig);
	rig_sound_close(&s);
}

/* Bound: what a 24 dB per octave filter overshoots by, listened to. */
static void test_hammer(void **state)
{
	(void)state;
	hammer_node("deess", 2.0, 3.0, 0.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acts_on_sibilants_only),
		cmocka_unit_test(test_leaves_the_rest_alone),
		cmocka_unit_test(test_amount),
		cmocka_unit_test(test_switching_fades),
		cmocka_unit_test(test_hammer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
