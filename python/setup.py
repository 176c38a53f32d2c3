"""Says that the package is for one kind of machine: it has a library inside."""

from setuptools import Distribution, setup


class LibraryDistribution(Distribution):
    """As one with extension modules, which is put where packages of one platform go."""

    def has_ext_modules(self) -> bool:
        return True


setup(distclass=LibraryDistribution)
