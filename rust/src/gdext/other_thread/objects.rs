//! Objects that another thread makes or frees.
//!
//! The binding ends the program there: it panics where a panic must not leave. So the engine gets two functions of ours for
//! each class, in place of those of the binding. One makes nothing elsewhere, which the engine takes like any class that
//! cannot be instantiated. The other leaves what another thread has freed to the main one: only the part of an object that
//! is ours, which nobody else can reach any more.

#![expect(unsafe_code, reason = "the functions that the engine calls for a class are those of C")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use godot::global::godot_error;
use godot::init::is_main_thread;
use godot::sys::{
    GDExtensionBool, GDExtensionClassCreateInstance2, GDExtensionClassCreationInfo4, GDExtensionClassFreeInstance,
    GDExtensionClassInstancePtr, GDExtensionClassLibraryPtr, GDExtensionConstStringNamePtr,
    GDExtensionInterfaceFunctionPtr, GDExtensionInterfaceGetProcAddress, GDExtensionObjectPtr,
};

/// The function with which the binding registers classes in the engines that it is built for.
const REGISTER: &CStr = c"classdb_register_extension_class4";

type Find = unsafe extern "C" fn(*const c_char) -> GDExtensionInterfaceFunctionPtr;
type Register = unsafe extern "C" fn(
    GDExtensionClassLibraryPtr,
    GDExtensionConstStringNamePtr,
    GDExtensionConstStringNamePtr,
    *const GDExtensionClassCreationInfo4,
);

static FIND: OnceLock<Find> = OnceLock::new();
static REGISTER_CLASS: OnceLock<Register> = OnceLock::new();
/// What other threads have freed.
static LEFT: Mutex<Vec<Left>> = Mutex::new(Vec::new());

/// The functions of the binding for one class.
struct Class {
    create: GDExtensionClassCreateInstance2,
    free: GDExtensionClassFreeInstance,
}

struct Left {
    free: GDExtensionClassFreeInstance,
    instance: GDExtensionClassInstancePtr,
}

// SAFETY: the pointer is only used by the main thread, and the object that it belonged to is gone.
unsafe impl Send for Left {}

/// The engine's function that finds all others, but with our own registration of classes.
pub(in crate::gdext) fn guarded(find: GDExtensionInterfaceGetProcAddress) -> GDExtensionInterfaceGetProcAddress {
    let _ = FIND.set(find?);
    Some(find_guarded)
}

/// Frees what other threads have left. For the main thread.
pub(in crate::gdext) fn free_left() {
    let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    for Left { free, instance } in left {
        if let Some(free) = free {
            // SAFETY: the engine has asked for it, once, and this is the thread on which the binding can.
            unsafe { free(std::ptr::null_mut(), instance) };
        }
    }
}

unsafe extern "C" fn find_guarded(name: *const c_char) -> GDExtensionInterfaceFunctionPtr {
    let find = FIND.get()?;
    // SAFETY: the name is passed on, and is one that ends with 0.
    let (found, is_register) = unsafe { (find(name)?, CStr::from_ptr(name) == REGISTER) };
    if !is_register {
        return Some(found);
    }
    // SAFETY: the engine's functions have the types that its header declares, and are passed as this one.
    let (original, ours) = unsafe {
        let ours: Register = register_guarded;
        (
            std::mem::transmute::<unsafe extern "C" fn(), Register>(found),
            std::mem::transmute::<Register, unsafe extern "C" fn()>(ours),
        )
    };
    let _ = REGISTER_CLASS.set(original);
    Some(ours)
}

unsafe extern "C" fn register_guarded(
    library: GDExtensionClassLibraryPtr,
    name: GDExtensionConstStringNamePtr,
    parent: GDExtensionConstStringNamePtr,
    info: *const GDExtensionClassCreationInfo4,
) {
    let Some(register) = REGISTER_CLASS.get() else { return };
    // SAFETY: the caller passes a class to register, whose functions stay; the engine copies what it is given.
    unsafe {
        let mut info = *info;
        // The binding passes nothing there. If it ever does, its functions need that.
        if info.class_userdata.is_null() {
            let class = Class { create: info.create_instance_func, free: info.free_instance_func };
            // For as long as the library: a class is registered once.
            info.class_userdata = std::ptr::from_mut(Box::leak(Box::new(class))).cast();
            info.create_instance_func = info.create_instance_func.and(Some(create));
            info.free_instance_func = info.free_instance_func.and(Some(free));
        }
        register(library, name, parent, &raw const info);
    }
}

unsafe extern "C" fn create(class: *mut c_void, notify: GDExtensionBool) -> GDExtensionObjectPtr {
    if !is_main_thread() {
        godot_error!("VSekaiUpdater: make its nodes on the main thread. This one was not made.");
        return std::ptr::null_mut();
    }
    free_left();
    // SAFETY: what `register_guarded` has leaked.
    let class = unsafe { &*class.cast::<Class>() };
    match class.create {
        // SAFETY: as the engine would call it.
        Some(create) => unsafe { create(std::ptr::null_mut(), notify) },
        None => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn free(class: *mut c_void, instance: GDExtensionClassInstancePtr) {
    // SAFETY: what `register_guarded` has leaked.
    let class = unsafe { &*class.cast::<Class>() };
    if is_main_thread() {
        if let Some(free) = class.free {
            // SAFETY: as the engine would call it.
            unsafe { free(std::ptr::null_mut(), instance) };
        }
    } else {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(Left { free: class.free, instance });
    }
}
