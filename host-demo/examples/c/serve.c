/* Opens Pointsman to another program by a socket that nobody else can use.
 *
 * From the root of the repository, after `cargo build --release --workspace`:
 *
 *     cc host-demo/examples/c/serve.c -Iplugin-impl/include -Ltarget/release \
 *        -lpointsman_plugin -Wl,-rpath,target/release -o serve
 *     ./serve pointsman.yaml [127.0.0.1:0]
 *
 * Prints the address, and the token where there is one; then notices, until standard input ends.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "pointsman.h"

/* Says whether standard input has ended; looks for a moment. */
static int ended(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static int serve(const pointsman_router *router, const char *address) {
    char *bound = pointsman_listen(router, address);
    if (bound == NULL) {
        fprintf(stderr, "cannot listen: %s\n", pointsman_last_error());
        return 1;
    }
    char *token = address == NULL ? NULL : pointsman_token(router);
    printf("%s %s\n", bound, token == NULL ? "-" : token);
    fflush(stdout);
    pointsman_text_free(bound);
    pointsman_text_free(token);

    while (!ended()) {
        char *notice = pointsman_next_notice(router, 100);
        if (notice != NULL) {
            printf("%s\n", notice);
            fflush(stdout);
            pointsman_text_free(notice);
        }
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: serve CONFIG [ADDRESS]\n");
        return 2;
    }
    pointsman_router *router = pointsman_start(arguments[1], NULL, NULL);
    if (router == NULL) {
        fprintf(stderr, "cannot start: %s\n", pointsman_last_error());
        return 1;
    }
    int result = serve(router, count > 2 ? arguments[2] : NULL);
    pointsman_stop(router, 0);
    return result;
}
