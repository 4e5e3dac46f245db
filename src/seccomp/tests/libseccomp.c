/* Builds a filter with libseccomp as runc does, and writes its BPF to
 * descriptor 1. The standard input is a list of words:
 *
 *   default ACTION            (hexadecimal, libseccomp's value)
 *   arch NAME                 (x86_64, x86, x32, aarch64, arm, ppc64le, …)
 *   optimize LEVEL
 *   rule ACTION NAME COUNT then COUNT times: ARGUMENT OPERATOR A B
 *   load
 *
 * or `names ARCH` followed by names: then it prints each name's number.
 */
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int status, const char *what) {
	if (status < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(-status));
		exit(-status == 17 ? 3 : 1);
	}
}

int main(void) {
	char word[64], name[64];
	scmp_filter_ctx filter = NULL;
	while (scanf("%63s", word) == 1) {
		if (!strcmp(word, "names")) {
			scanf("%63s", name);
			uint32_t arch = seccomp_arch_resolve_name(name);
			while (scanf("%63s", name) == 1)
				printf("%s %d\n", name, seccomp_syscall_resolve_name_arch(arch, name));
			return 0;
		} else if (!strcmp(word, "default")) {
			uint32_t action;
			scanf("%" SCNx32, &action);
			filter = seccomp_init(action);
			check(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), "remove");
		} else if (!strcmp(word, "arch")) {
			scanf("%63s", name);
			check(seccomp_arch_add(filter, seccomp_arch_resolve_name(name)), name);
		} else if (!strcmp(word, "optimize")) {
			unsigned level;
			scanf("%u", &level);
			check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, level), "optimize");
		} else if (!strcmp(word, "rule")) {
			uint32_t action;
			unsigned count;
			struct scmp_arg_cmp args[6];
			scanf("%" SCNx32 " %63s %u", &action, name, &count);
			for (unsigned i = 0; i < count; i++) {
				unsigned arg, op;
				uint64_t a, b;
				scanf("%u %u %" SCNu64 " %" SCNu64, &arg, &op, &a, &b);
				args[i] = (struct scmp_arg_cmp){arg, op, a, b};
			}
			int number = seccomp_syscall_resolve_name(name);
			if (number == __NR_SCMP_ERROR)
				continue;
			check(seccomp_rule_add_array(filter, action, number, count, args), name);
		} else if (!strcmp(word, "load")) {
			check(seccomp_export_bpf(filter, 1), "export");
			return 0;
		}
	}
	return 2;
}
