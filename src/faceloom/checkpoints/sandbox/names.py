"""Names in pickles that could harm if another program loaded the file, and their refusal."""

from __future__ import annotations

from faceloom.errors import UnsafePickle


def _split(names: str) -> frozenset[str]:
    return frozenset(names.split())


DANGEROUS_PACKAGES = _split(
    "_pickle _posixsubprocess asyncio cloudpickle ctypes dill ftplib imp importlib marshal multiprocessing nt os pdb"
    " pickle popen2 posix pty requests runpy shutil smtplib socket sqlite3 subprocess sys telnetlib webbrowser"
)
"""Packages whose functions run programs or code, or open files or connections. Every name in one is refused."""

HARMLESS = _split(
    "os.stat_result os.terminal_size os._Environ os._wrap_close posix.stat_result posix.terminal_size nt.stat_result"
    " pickle.PickleBuffer _pickle.PickleBuffer socket.AddressFamily socket.SocketKind sys.float_info"
    " asyncio.events.AbstractEventLoop multiprocessing.context.SpawnContext"
)
"""Names inside these packages that only hold data."""

DANGEROUS_NAMES = _split(
    "bdb.Bdb code.interact code.InteractiveConsole code.InteractiveInterpreter commands.getoutput"
    " commands.getstatusoutput doctest.testfile doctest.testmod fileinput.input functools.reduce io.FileIO io.open"
    " io.open_code _io.FileIO _io.open _io.open_code joblib.load linecache.getline operator.methodcaller"
    " pandas.eval pandas.read_pickle pip.main pkgutil.resolve_name profile.run cProfile.run shelve.open timeit.timeit"
    " torch.hub.load torch.jit.load torch.load torch.ops.load_library torch.package torch.serialization.load"
    " torch.utils.cpp_extension trace.run types.CodeType types.FunctionType urllib.request urllib2.urlopen"
)
"""Functions of other modules that run code, or open a file or a connection, and modules of such functions."""

DANGEROUS_BUILTINS = _split(
    "__import__ breakpoint compile delattr eval exec execfile exit globals input locals open quit reload setattr vars"
)
"""Built-in functions that run code, open files or change other objects."""

NUMPY_READERS = frozenset(("load", "fromfile", "memmap", "DataSource", "exec_command", "runstring"))
"""NumPy's functions that open files or run programs. NumPy's versions keep them in different modules."""


def refuse_dangerous(module: str, name: str) -> None:
    """Raise UnsafePickle for a name that runs code, starts a program, or opens a file or a connection.

    Other names are harmless here, because nothing in a file is called. They are not refused.
    """
    full_name = f"{module}.{name}"
    top, *inner = full_name.split(".")
    is_dangerous = full_name not in HARMLESS and (
        top in DANGEROUS_PACKAGES
        or any(full_name == bad or full_name.startswith(f"{bad}.") for bad in DANGEROUS_NAMES)
        or (top in ("builtins", "__builtin__", "__builtins__") and inner[0] in DANGEROUS_BUILTINS)
        or (top == "numpy" and inner[-1] in NUMPY_READERS)
        # a path through a harmless name to a dangerous one, such as OrderedDict.__init__.__globals__
        or any(part in ("os", "sys", "subprocess", "__globals__", "__builtins__", "__subclasses__") for part in inner)
    )
    if is_dangerous:
        raise UnsafePickle(
            f"the pickle asks for {module[:80]}.{name[:80]}, which could run a program or code",
            "nothing in it was run; do not open this file with other tools",
        )
