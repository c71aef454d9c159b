#pragma once

// Nothing to call. What this module is for happens when a program is linked: see no_icu.c.
