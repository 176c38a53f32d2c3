// The header compiles by itself; what it declares is implemented in RepriseC, in Swift.
#include "reprise.h"

_Static_assert(sizeof(reprise_view) == 48, "a view is laid out as the Python package has it");
_Static_assert(sizeof(reprise_completion) == 16, "a completion is laid out as the Python package has it");
