/* The one place of the version: the Python package reads it from here. */
#ifndef UNIT_VERSION_H_
#define UNIT_VERSION_H_

#define UNIT_VERSION "0.1.0"

#endif /* UNIT_VERSION_H_ */
