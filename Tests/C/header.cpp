// The header is C++ as well.
#include "reprise.h"

int main() {
    reprise_client *client = nullptr;
    reprise_embedded_options options{};
    options.struct_size = sizeof options;
    options.memory_bytes = 1 << 20;
    if (reprise_open(&options, &client) != REPRISE_OK) return 1;
    reprise_close(client);
    return 0;
}
