/* Asks a model through Pointsman, and prints the answer as it comes.
 *
 * From the root of the repository, after `cargo build --release --workspace`:
 *
 *     cc host-demo/examples/c/ask.c -Iplugin-impl/include -Ltarget/release \
 *        -lpointsman_plugin -Wl,-rpath,target/release -o ask
 *     ./ask pointsman.yaml "Say hello."
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman.h"

/* What the library was built with must go with what this program was built with. */
static int fits(void) {
    uint32_t library = pointsman_c_version();
    return library >> 16 == POINTSMAN_C_VERSION >> 16 && library >= POINTSMAN_C_VERSION;
}

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, pointsman_last_error());
    return 1;
}

static void show_notices(const pointsman_router *router) {
    char *notice;
    while ((notice = pointsman_next_notice(router, 0)) != NULL) {
        fprintf(stderr, "notice %s\n", notice);
        pointsman_text_free(notice);
    }
}

static int ask(const pointsman_router *router, const char *prompt) {
    char body[1024];
    int length = snprintf(body, sizeof body,
                          "{\"model\":\"claude-sonnet-4-6\",\"max_tokens\":64,\"stream\":true,"
                          "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
                          prompt);
    if (length < 0 || (size_t)length >= sizeof body) {
        fprintf(stderr, "the prompt is too long\n");
        return 1;
    }

    /* The URL is where the program would have sent it without Pointsman. */
    pointsman_request *request =
        pointsman_request_new(router, "POST", "https://api.anthropic.com/v1/messages");
    pointsman_request_header(request, "content-type", "application/json");
    pointsman_request_header(request, "anthropic-version", "2023-06-01");
    pointsman_request_body(request, (const uint8_t *)body, (size_t)length);

    int32_t status = pointsman_fetch(request);
    if (status < 0) {
        failed("cannot ask");
        pointsman_request_free(request);
        return 1;
    }
    const char *account = pointsman_answer_header(request, "x-pointsman-account");
    fprintf(stderr, "%d by %s\n", (int)status, account ? account : "nobody");

    uint8_t piece[4096];
    int64_t read;
    while ((read = pointsman_read(request, piece, sizeof piece)) > 0) {
        fwrite(piece, 1, (size_t)read, stdout);
        fflush(stdout);
    }
    int result = read < 0 ? failed("the answer broke off") : status != 200;
    pointsman_request_free(request);
    return result;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: ask CONFIG PROMPT\n");
        return 2;
    }
    if (!fits()) {
        fprintf(stderr, "this program needs another version of Pointsman than %s\n", pointsman_version());
        return 1;
    }
    pointsman_router *router = pointsman_start(arguments[1], NULL, NULL);
    if (router == NULL) {
        return failed("cannot start");
    }
    int result = ask(router, arguments[2]);
    show_notices(router);
    pointsman_stop(router, 1000);
    return result;
}
